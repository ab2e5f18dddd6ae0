/*
 * From the text and object forms of selectors to the program.
 *
 * Label selectors are read by a lexer and a parser with one token of lookahead, whose quirks are
 * apimachinery's: "in" and "notin" are keywords only where an operator may stand, empty members of a
 * set are the empty string, and a key that ends the requirement asks for existence.
 */
#include "lang/selector.h"

#include "lang/selector_priv.h"

#define WHY_BYTES 1024
#define OPERATORS "in, notin, =, ==, !=, gt, lt"

enum token {
    TOKEN_END,
    TOKEN_IDENT,
    TOKEN_IN,
    TOKEN_NOT_IN,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_NOT,
    TOKEN_EQUALS,
    TOKEN_NOT_EQUALS,
    TOKEN_GREATER,
    TOKEN_LESS,
};

struct parser {
    struct str rest;
    enum token token; /* the one looked at */
    struct str text;  /* its bytes */
    struct selector *selector;
    struct err *err;
};

static bool is_special(char c)
{
    return c != '\0' && strchr("=!(),><", c);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static enum token special_token(struct str s, size_t *ret_n)
{
    bool then_equals = s.n > 1 && s.p[1] == '=';

    *ret_n = then_equals && (s.p[0] == '=' || s.p[0] == '!') ? 2 : 1;
    switch (s.p[0]) {
    case '(':
        return TOKEN_OPEN;
    case ')':
        return TOKEN_CLOSE;
    case ',':
        return TOKEN_COMMA;
    case '=':
        return TOKEN_EQUALS;
    case '>':
        return TOKEN_GREATER;
    case '<':
        return TOKEN_LESS;
    default:
        return then_equals ? TOKEN_NOT_EQUALS : TOKEN_NOT;
    }
}

/* Reads the next token into the parser. */
static void advance(struct parser *p)
{
    size_t n = 0;

    while (p->rest.n > 0 && is_space(p->rest.p[0]))
        p->rest = str_skip(p->rest, 1);
    if (p->rest.n == 0) {
        p->token = TOKEN_END;
    } else if (is_special(p->rest.p[0])) {
        p->token = special_token(p->rest, &n);
    } else {
        while (n < p->rest.n && !is_special(p->rest.p[n]) && !is_space(p->rest.p[n]))
            n++;
        p->token = TOKEN_IDENT;
    }
    p->text = str_head(p->rest, n);
    p->rest = str_skip(p->rest, n);
    if (p->token == TOKEN_IDENT && str_eq(p->text, STR("in")))
        p->token = TOKEN_IN;
    else if (p->token == TOKEN_IDENT && str_eq(p->text, STR("notin")))
        p->token = TOKEN_NOT_IN;
}

/* Whether the token can be a key or a value: keywords can. */
static bool at_ident(const struct parser *p)
{
    return p->token == TOKEN_IDENT || p->token == TOKEN_IN || p->token == TOKEN_NOT_IN;
}

/* The failure of a requirement at the current token. */
static int refuse_token(struct parser *p, const char *expected)
{
    return err_set(p->err, ERR_BADREQUEST,
                   "unable to parse requirement: found '%" STR_FMT "', expected: %s",
                   STR_ARG(p->text), expected);
}

/* "where: Invalid value: <bad>: why", as apimachinery's field errors read. */
static int refuse_value(struct err *err, enum err_code code, const char *where, struct str bad,
                        const struct buf *why)
{
    struct buf quoted = BUF_INIT(ERR_MSG_BYTES);

    buf_add_json(&quoted, bad);
    (void)err_set(err, code, "%s: Invalid value: \"%" STR_FMT "\": %" STR_FMT, where,
                  STR_ARG(buf_str(&quoted)), STR_ARG(buf_str(why)));
    buf_fini(&quoted);
    return -(int)code;
}

static int check_key(struct str key, const char *where, enum err_code code, struct err *err)
{
    struct buf why = BUF_INIT(WHY_BYTES);
    int rc = 0;

    if (!selector_key_check(key, &why))
        rc = refuse_value(err, code, where, key, &why);
    buf_fini(&why);
    return rc;
}

static int check_value(struct str key, size_t i, struct str value, enum err_code code,
                       struct err *err)
{
    struct buf why = BUF_INIT(WHY_BYTES), where = BUF_INIT(WHY_BYTES);
    int rc = 0;

    if (!selector_value_check(value, &why)) {
        buf_addf(&where, "values[%zu][%" STR_FMT "]", i, STR_ARG(key));
        rc = refuse_value(err, code, buf_c(&where), value, &why);
    }
    buf_fini(&why);
    buf_fini(&where);
    return rc;
}

/* Checks what is common to text and object forms, then adds the requirement. */
static int add_requirement(struct selector *s, enum selector_op op, struct str key,
                           const struct selector_values *values, enum err_code code,
                           struct err *err)
{
    int64_t number;

    if (op == SELECTOR_OP_GREATER || op == SELECTOR_OP_LESS) {
        if (str_to_i64(values->p[0], &number) < 0)
            return err_set(err, code,
                           "values[0]: Invalid value: \"%" STR_FMT
                           "\": for 'Gt', 'Lt' operators, the value must be an integer",
                           STR_ARG(values->p[0]));
    }
    for (size_t i = 0; i < values->n; i++) {
        int rc = check_value(key, i, values->p[i], code, err);

        if (rc < 0)
            return rc;
    }
    selector_add(s, op, key, values);
    return 0;
}

static int parse_operator(struct parser *p, enum selector_op *ret_op)
{
    switch (p->token) {
    case TOKEN_IN:
        *ret_op = SELECTOR_OP_IN;
        break;
    case TOKEN_NOT_IN:
        *ret_op = SELECTOR_OP_NOT_IN;
        break;
    case TOKEN_EQUALS:
        *ret_op = SELECTOR_OP_EQUALS;
        break;
    case TOKEN_NOT_EQUALS:
        *ret_op = SELECTOR_OP_NOT_EQUALS;
        break;
    case TOKEN_GREATER:
        *ret_op = SELECTOR_OP_GREATER;
        break;
    case TOKEN_LESS:
        *ret_op = SELECTOR_OP_LESS;
        break;
    default:
        return refuse_token(p, OPERATORS);
    }
    advance(p);
    return 0;
}

/* Reads "(x,y)"; "()" and every empty place between commas is the empty string. */
static int parse_set(struct parser *p, struct selector_values *values)
{
    if (p->token != TOKEN_OPEN)
        return refuse_token(p, "'('");
    do {
        advance(p);
        if (at_ident(p)) {
            VEC_PUSH(values, p->text);
            advance(p);
        } else {
            VEC_PUSH(values, STR(""));
        }
    } while (p->token == TOKEN_COMMA);
    if (p->token != TOKEN_CLOSE)
        return refuse_token(p, "',' or ')'");
    advance(p);
    return 0;
}

/* Reads the one value of "="; nothing is the empty string. */
static int parse_exact(struct parser *p, struct selector_values *values)
{
    if (p->token == TOKEN_END || p->token == TOKEN_COMMA) {
        VEC_PUSH(values, STR(""));
        return 0;
    }
    if (!at_ident(p))
        return refuse_token(p, "identifier");
    VEC_PUSH(values, p->text);
    advance(p);
    return 0;
}

static int parse_operands(struct parser *p, bool negated, enum selector_op *ret_op,
                          struct selector_values *values)
{
    int rc;

    if (p->token == TOKEN_END || p->token == TOKEN_COMMA) {
        *ret_op = negated ? SELECTOR_OP_NOT_EXISTS : SELECTOR_OP_EXISTS;
        return 0;
    }
    if (negated) {
        *ret_op = SELECTOR_OP_NOT_EXISTS;
        return 0;
    }
    rc = parse_operator(p, ret_op);
    if (rc < 0)
        return rc;
    if (*ret_op == SELECTOR_OP_IN || *ret_op == SELECTOR_OP_NOT_IN)
        return parse_set(p, values);
    return parse_exact(p, values);
}

static int parse_requirement(struct parser *p)
{
    struct selector_values values = {0};
    bool negated = p->token == TOKEN_NOT;
    enum selector_op op = SELECTOR_OP_EXISTS;
    struct str key;
    int rc;

    if (negated)
        advance(p);
    if (!at_ident(p))
        return refuse_token(p, "identifier");
    key = p->text;
    rc = check_key(key, "<nil>", ERR_BADREQUEST, p->err);
    if (rc < 0)
        return err_wrap(p->err, rc, "unable to parse requirement");
    advance(p);
    rc = parse_operands(p, negated, &op, &values);
    if (rc == 0) {
        rc = add_requirement(p->selector, op, key, &values, ERR_BADREQUEST, p->err);
        if (rc < 0)
            (void)err_wrap(p->err, rc, "unable to parse requirement");
    }
    VEC_FINI(&values);
    return rc;
}

static int parse_requirements(struct parser *p)
{
    int rc;

    advance(p);
    if (p->token == TOKEN_END)
        return 0;
    if (!at_ident(p) && p->token != TOKEN_NOT)
        return err_set(p->err, ERR_BADREQUEST,
                       "found '%" STR_FMT "', expected: !, identifier, or 'end of string'",
                       STR_ARG(p->text));
    for (;;) {
        rc = parse_requirement(p);
        if (rc < 0 || p->token == TOKEN_END)
            return rc;
        if (p->token != TOKEN_COMMA)
            return err_set(p->err, ERR_BADREQUEST,
                           "found '%" STR_FMT "', expected: ',' or 'end of string'",
                           STR_ARG(p->text));
        advance(p);
        if (!at_ident(p) && p->token != TOKEN_NOT)
            return err_set(p->err, ERR_BADREQUEST,
                           "found '%" STR_FMT "', expected: identifier after ','",
                           STR_ARG(p->text));
    }
}

static int check_length(struct str text, struct err *err)
{
    if (text.n > SELECTOR_MAX_BYTES)
        return err_set(err, ERR_BADREQUEST, "selector is longer than %d bytes", SELECTOR_MAX_BYTES);
    return 0;
}

int selector_parse_labels(struct str text, struct selector **ret_selector, struct err *err)
{
    struct selector *s CLEANUP(selector_freep) = NULL;
    struct parser p = {.rest = text, .err = err};
    int rc = check_length(text, err);

    if (rc < 0)
        return rc;
    p.selector = s = selector_new(false);
    rc = parse_requirements(&p);
    if (rc < 0)
        return rc;
    selector_sort(s);
    *ret_selector = TAKE(s);
    return 0;
}

/* Takes the next term of a field selector: up to a comma that no backslash precedes. */
static struct str cut_term(struct str *text)
{
    struct str term = *text;

    for (size_t i = 0; i < text->n; i++) {
        if (text->p[i] == '\\') {
            i++;
        } else if (text->p[i] == ',') {
            term = str_head(*text, i);
            *text = str_skip(*text, i + 1);
            return term;
        }
    }
    *text = STR_NONE;
    return term;
}

static int unescape(struct str raw, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];

        if (c == ',' || c == '=')
            return err_set(err, ERR_BADREQUEST,
                           "invalid field selector: unescaped character in value: %d", c);
        if (c == '\\') {
            c = ++i < raw.n ? raw.p[i] : '\0';
            if (c != '\\' && c != ',' && c != '=')
                return err_set(err, ERR_BADREQUEST,
                               "invalid field selector: invalid escape sequence: %" STR_FMT,
                               STR_ARG(str_n(raw.p + i - 1, i < raw.n ? 2 : 1)));
        }
        buf_add_char(out, c);
    }
    return 0;
}

/* Finds the operator of a term; `*ret_n` is its length. */
static ptrdiff_t find_operator(struct str term, size_t *ret_n)
{
    for (size_t i = 0; i < term.n; i++) {
        bool then_equals = i + 1 < term.n && term.p[i + 1] == '=';

        if (term.p[i] == '=' || (term.p[i] == '!' && then_equals)) {
            *ret_n = then_equals ? 2 : 1;
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

static int parse_term(struct selector *s, struct str text, struct str term, struct err *err)
{
    struct selector_values values = {0};
    struct buf value = BUF_INIT(SELECTOR_MAX_BYTES);
    size_t op_n;
    ptrdiff_t at = find_operator(term, &op_n);
    int rc;

    if (at < 0)
        return err_set(err, ERR_BADREQUEST,
                       "invalid selector: '%" STR_FMT "'; can't understand '%" STR_FMT "'",
                       STR_ARG(text), STR_ARG(term));
    rc = unescape(str_skip(term, (size_t)at + op_n), &value, err);
    if (rc == 0) {
        VEC_PUSH(&values, buf_str(&value));
        selector_add(s, term.p[at] == '!' ? SELECTOR_OP_NOT_EQUALS : SELECTOR_OP_EQUALS,
                     str_head(term, (size_t)at), &values);
    }
    VEC_FINI(&values);
    buf_fini(&value);
    return rc;
}

int selector_parse_fields(struct str text, struct selector **ret_selector, struct err *err)
{
    struct selector *s CLEANUP(selector_freep) = NULL;
    struct str rest = text;
    int rc = check_length(text, err);

    if (rc < 0)
        return rc;
    s = selector_new(true);
    while (rest.p) {
        struct str term = cut_term(&rest);

        if (term.n == 0)
            continue;
        rc = parse_term(s, text, term, err);
        if (rc < 0)
            return rc;
    }
    selector_sort(s);
    *ret_selector = TAKE(s);
    return 0;
}

static int add_match_labels(struct selector *s, const json_t *labels, struct err *err)
{
    struct selector_values values = {0};
    const char *key;
    json_t *value;
    int rc = 0;

    if (labels && !json_is_null(labels) && !json_is_object(labels))
        return err_set(err, ERR_INVALID, "matchLabels: must be an object");
    json_object_foreach((json_t *)labels, key, value)
    {
        if (!json_is_string(value)) {
            rc = err_set(err, ERR_INVALID, "matchLabels: must be an object of strings");
            break;
        }
        values.n = 0;
        VEC_PUSH(&values, json_str_of(value));
        rc = check_key(str_c(key), "key", ERR_INVALID, err);
        if (rc == 0)
            rc = add_requirement(s, SELECTOR_OP_EQUALS, str_c(key), &values, ERR_INVALID, err);
        if (rc < 0)
            break;
    }
    VEC_FINI(&values);
    return rc;
}

static int expression_op(struct str text, enum selector_op *ret_op, struct err *err)
{
    static const struct {
        const char *text;
        enum selector_op op;
    } ops[] = {
        {"In", SELECTOR_OP_IN},
        {"NotIn", SELECTOR_OP_NOT_IN},
        {"Exists", SELECTOR_OP_EXISTS},
        {"DoesNotExist", SELECTOR_OP_NOT_EXISTS},
    };

    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        if (str_eq_c(text, ops[i].text)) {
            *ret_op = ops[i].op;
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, "\"%" STR_FMT "\" is not a valid label selector operator",
                   STR_ARG(text));
}

static int expression_values(const json_t *expression, struct selector_values *values,
                             struct err *err)
{
    const json_t *list = json_object_get(expression, "values");

    if (list && !json_is_null(list) && !json_is_array(list))
        return err_set(err, ERR_INVALID, "values: must be a list of strings");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *value = json_array_get(list, i);

        if (!json_is_string(value))
            return err_set(err, ERR_INVALID, "values: must be a list of strings");
        VEC_PUSH(values, json_str_of(value));
    }
    return 0;
}

static int add_expression(struct selector *s, const json_t *expression, struct err *err)
{
    struct selector_values values = {0};
    struct str key = json_str(expression, "key");
    enum selector_op op = SELECTOR_OP_IN;
    bool set;
    int rc;

    rc = expression_op(json_str(expression, "operator"), &op, err);
    if (rc == 0)
        rc = check_key(key, "key", ERR_INVALID, err);
    if (rc == 0)
        rc = expression_values(expression, &values, err);
    set = op == SELECTOR_OP_IN || op == SELECTOR_OP_NOT_IN;
    if (rc == 0 && set && values.n == 0)
        rc = err_set(err, ERR_INVALID,
                     "values: Invalid value: null: for 'in', 'notin' operators, values set can't "
                     "be empty");
    if (rc == 0 && !set && values.n > 0)
        rc = err_set(err, ERR_INVALID,
                     "values: Invalid value: values set must be empty for exists and does not "
                     "exist");
    if (rc == 0)
        rc = add_requirement(s, op, key, &values, ERR_INVALID, err);
    VEC_FINI(&values);
    return rc;
}

int selector_from_json(const json_t *label_selector, struct selector **ret_selector,
                       struct err *err)
{
    struct selector *s CLEANUP(selector_freep) = selector_new(false);
    const json_t *expressions = json_object_get(label_selector, "matchExpressions");
    int rc;

    s->nothing = !label_selector || json_is_null(label_selector);
    if (!s->nothing && !json_is_object(label_selector))
        return err_set(err, ERR_INVALID, "label selector must be an object");
    rc = add_match_labels(s, json_object_get(label_selector, "matchLabels"), err);
    if (rc < 0)
        return rc;
    if (expressions && !json_is_null(expressions) && !json_is_array(expressions))
        return err_set(err, ERR_INVALID, "matchExpressions: must be a list");
    for (size_t i = 0; i < json_array_size(expressions); i++) {
        rc = add_expression(s, json_array_get(expressions, i), err);
        if (rc < 0)
            return rc;
    }
    selector_sort(s);
    *ret_selector = TAKE(s);
    return 0;
}
