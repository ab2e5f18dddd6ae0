/*
 * PEM: lines that begin and end blocks, and base64 between them.
 *
 * Line ends are LF or CR LF; base64 lines may have any length and blanks around them, as tools write
 * them.  Blocks with RFC 1421 headers (encrypted keys) are refused: their colon is no base64.
 */
#include "codec/pem.h"

#include "base/mem.h"
#include "codec/base64.h"

#define LINE_CHARS 64

static const struct str BEGIN = STR_INIT("-----BEGIN ");
static const struct str END = STR_INIT("-----END ");
static const struct str DASHES = STR_INIT("-----");

/* Takes a line without its end; STR_NONE at the end of the text. */
static struct str cut_line(struct str *rest)
{
    return rest->n > 0 ? str_cut(rest, '\n') : STR_NONE;
}

/* The label when `line` is "<mark>label-----", else STR_NONE. */
static struct str label_of(struct str line, struct str mark)
{
    line = str_trim_space(line);
    if (line.n < mark.n + DASHES.n || !str_starts(line, mark) || !str_ends(line, DASHES))
        return STR_NONE;
    return str_n(line.p + mark.n, line.n - mark.n - DASHES.n);
}

/* Collects the base64 of all lines between the first and the last one of a block. */
static void collect(struct str text, struct buf *base64)
{
    /* All at once: growing would leave copies of a key behind. */
    (void)buf_reserve(base64, text.n);
    (void)cut_line(&text);
    for (struct str line = cut_line(&text); line.p; line = cut_line(&text))
        if (!label_of(line, END).p)
            buf_add_str(base64, str_trim_space(line));
}

int pem_decode(const struct pem_block *block, struct buf *out)
{
    struct buf base64 = BUF_INIT(block->text.n);
    int rc;

    collect(block->text, &base64);
    rc = base64_decode(out, buf_str(&base64));
    buf_wipe(&base64);
    return rc;
}

static int check_body(const struct pem_block *block)
{
    struct buf bytes = BUF_INIT(block->text.n);
    int rc = pem_decode(block, &bytes);

    buf_wipe(&bytes);
    return rc < 0 ? -ERR_INVALID : 0;
}

/* Takes what follows the first line, up to and with the line that ends `label`. */
static int take_body(struct str *rest, struct str label)
{
    for (struct str line = cut_line(rest); line.p; line = cut_line(rest)) {
        struct str ended = label_of(line, END);

        if (ended.p)
            return str_eq(ended, label) ? 0 : -ERR_INVALID;
        if (label_of(line, BEGIN).p)
            return -ERR_INVALID;
    }
    return -ERR_INVALID;
}

int pem_next(struct str *rest, struct pem_block *ret_block)
{
    struct str tail = *rest;
    struct pem_block block = {0};
    const char *start = NULL;

    while (!block.label.p) {
        struct str line;

        start = tail.p;
        line = cut_line(&tail);
        if (!line.p)
            return 0;
        block.label = label_of(line, BEGIN);
    }
    if (take_body(&tail, block.label) < 0)
        return -ERR_INVALID;
    block.text = str_n(start, (size_t)((tail.p ? tail.p : rest->p + rest->n) - start));
    if (check_body(&block) < 0)
        return -ERR_INVALID;
    *rest = tail;
    *ret_block = block;
    return 1;
}

static void add_line(struct buf *out, struct str mark, struct str label)
{
    buf_add_str(out, mark);
    buf_add_str(out, label);
    buf_add_str(out, DASHES);
    buf_add_char(out, '\n');
}

void pem_encode(struct buf *out, struct str label, struct str bytes)
{
    struct buf base64 = BUF_INIT(BUF_NO_LIMIT);
    struct str rest;

    base64_encode(&base64, bytes);
    add_line(out, BEGIN, label);
    for (rest = buf_str(&base64); rest.n > 0; rest = str_skip(rest, LINE_CHARS)) {
        buf_add_str(out, str_head(rest, LINE_CHARS));
        buf_add_char(out, '\n');
    }
    add_line(out, END, label);
    buf_wipe(&base64);
}
