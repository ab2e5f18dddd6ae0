/*
 * How plain scalars are read: shared by the reader (yaml.c) and the writer (yaml_format.c), which quotes
 * what would be read as anything but a string.
 */
#ifndef CODEC_YAML_PRIV_H
#define CODEC_YAML_PRIV_H

#include "codec/json.h"

enum yaml_kind {
    YAML_KIND_STR,
    YAML_KIND_NULL,
    YAML_KIND_BOOL,
    YAML_KIND_INT,
    YAML_KIND_FLOAT,
    YAML_KIND_NONFINITE, /* .inf, .nan: no JSON form */
    YAML_KIND_TIMESTAMP, /* stays a string */
    YAML_KIND_MERGE,     /* "<<" */
};

struct yaml_scalar {
    enum yaml_kind kind;
    bool truth;      /* YAML_KIND_BOOL */
    int64_t integer; /* YAML_KIND_INT */
    double real;     /* YAML_KIND_FLOAT, also integers beyond int64_t */
};

/* Reads a plain scalar by the rules of YAML 1.1 as sigs.k8s.io/yaml applies them. */
struct yaml_scalar yaml_scalar_resolve(struct str text);

/* Whether other YAML 1.1 readers take `text` for a number in base 60 ("1:30"). */
bool yaml_scalar_is_base60(struct str text);

#endif
