/*
 * Kubernetes selectors as compiled programs: label selectors in text ("a=b,c!=d,e in (x,y),!f,g notin (z),
 * h>1") and as LabelSelector objects, and field selectors ("metadata.name=x,spec.nodeName!=y").
 *
 * Syntax, matching and messages are those of k8s.io/apimachinery (pkg/labels, pkg/fields, and
 * LabelSelectorAsSelector).  A selector is a conjunction of requirements, sorted by name; it owns copies
 * of everything, never changes after it was built, and may be used by several threads at once.
 */
#ifndef LANG_SELECTOR_H
#define LANG_SELECTOR_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"

#define SELECTOR_MAX_BYTES (64 * 1024) /* of a text form */

struct selector;

/* Compiles a label selector; an empty text matches everything.  Errors: BADREQUEST. */
int selector_parse_labels(struct str text, struct selector **ret_selector,
                          struct err *err) MUST_USE;

/*
 * Compiles a field selector; `\`, `,` and `=` in values are escaped with a backslash.  Which fields an
 * object kind offers is for selector_check_fields.  Errors: BADREQUEST.
 */
int selector_parse_fields(struct str text, struct selector **ret_selector,
                          struct err *err) MUST_USE;

/*
 * Compiles a metav1.LabelSelector (matchLabels, matchExpressions).  NULL or JSON null matches nothing, an
 * empty object everything.  Errors: INVALID.
 */
int selector_from_json(const json_t *label_selector, struct selector **ret_selector,
                       struct err *err) MUST_USE;

void selector_free(struct selector *s);

DEFINE_CLEANUP(selector_freep, struct selector *, selector_free)

/* Refuses a field that is not in the NULL-terminated list.  Errors: BADREQUEST, naming the field. */
int selector_check_fields(const struct selector *s, const char *const *supported,
                          struct err *err) MUST_USE;

/* Whether the selector matches whatever it is asked about. */
bool selector_is_everything(const struct selector *s);

/* Whether labels (a JSON object of strings; NULL has none) match. */
bool selector_match_labels(const struct selector *s, const json_t *labels);

/* Finds a field or label; returns whether it is there and fills *ret_value, borrowed until the match ends. */
typedef bool selector_get_fn(void *cookie, struct str name, struct str *ret_value);

/*
 * As selector_match_labels, with values from `get`.  For a field selector an absent field counts as the
 * empty string.
 */
bool selector_match(const struct selector *s, selector_get_fn *get, void *cookie);

/*
 * Whether only one value of `name` can match, for lookups by index ("metadata.name=x"); fills *ret_value,
 * borrowed while the selector lives.
 */
bool selector_requires(const struct selector *s, struct str name, struct str *ret_value);

/* Appends the text form; parsing it gives the same selector (but for one that matches nothing: empty). */
void selector_format(const struct selector *s, struct buf *out);

/*
 * Checks a label or annotation key ("[prefix/]name") as IsQualifiedName does; returns whether it is
 * valid, else appends the reasons to `why` (may be NULL).
 */
bool selector_key_check(struct str key, struct buf *why);

/* Checks a label value as IsValidLabelValue does; returns whether it is valid, else appends the reasons. */
bool selector_value_check(struct str value, struct buf *why);

#endif
