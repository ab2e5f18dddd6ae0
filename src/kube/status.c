/*
 * metav1.Status, and answers that are none, as an error of ours.
 *
 * The server's message is kept as it is (it is what kubectl prints) but for control bytes.
 */
#include "kube/kube_priv.h"

enum { STATUS_TEXT_BYTES = 200 };

/* Copies text for a message: control bytes become spaces. */
static const char *clean(struct str s, char *dst, size_t cap)
{
    size_t n = MIN(s.n, cap - 1);

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        dst[i] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
    dst[n] = '\0';
    return dst;
}

int kube_status_from_object(int http_status, const json_t *status, struct err *err)
{
    char text[ERR_MSG_BYTES];
    char reason[64];
    struct str message = json_str(status, "message");
    int code = (int)json_int(status, "code", http_status);
    enum err_code ours;

    ours = err_from_status(code, clean(json_str(status, "reason"), reason, sizeof(reason)));
    if (ours == ERR_OK)
        ours = ERR_PROTO;
    if (!message.n)
        return err_set(err, ours, "API server answered %d %s", code, reason);
    return err_set(err, ours, "%s", clean(message, text, sizeof(text)));
}

int kube_status_decode(int http_status, struct str body, struct err *err)
{
    json_t *status JSON_OWNED = NULL;
    char text[STATUS_TEXT_BYTES];
    enum err_code code = err_from_status(http_status, NULL);

    if (json_parse(body, &status, NULL) == 0 && str_eq_c(json_str(status, "kind"), "Status"))
        return kube_status_from_object(http_status, status, err);
    if (code == ERR_OK)
        code = ERR_PROTO;
    body = str_trim_space(body);
    if (!body.n)
        return err_set(err, code, "API server answered %d", http_status);
    return err_set(err, code, "API server answered %d: %s", http_status,
                   clean(body, text, sizeof(text)));
}
