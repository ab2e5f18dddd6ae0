/*
 * Checks of option values: the parser of the value, and a message in the words of the option.
 */
#include "core/setting.h"

#include "codec/url.h"
#include "net/addr.h"

int setting_check_listen(struct str value, struct err *err)
{
    struct addr a;

    if (addr_parse(value, &a) < 0)
        return err_set(err, ERR_USAGE, "'%" STR_FMT "' is not IP:PORT", STR_ARG(value));
    return 0;
}

int setting_check_range(struct str value, struct err *err)
{
    struct addr_range r;

    if (addr_range_parse(value, &r) < 0)
        return err_set(err, ERR_USAGE, "'%" STR_FMT "' is not CIDR[:PORT] or IP[:PORT]",
                       STR_ARG(value));
    return 0;
}

int setting_check_url(struct str value, struct err *err)
{
    struct url url;

    if (value.n == 0)
        return 0;
    if (url_parse(value, &url, NULL) < 0 || url.query.p)
        return err_set(err, ERR_USAGE, "'%" STR_FMT "' is not an absolute http or https URL",
                       STR_ARG(value));
    return 0;
}
