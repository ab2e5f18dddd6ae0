/*
 * Control characters and widths of UTF-8 text.
 *
 * Only what a terminal interprets is replaced.  Malformed UTF-8 is left as it is: terminals show a mark for it.
 */
#include "cli/plain.h"

void plain_clean(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        unsigned char next = i + 1 < n ? (unsigned char)p[i + 1] : 0;

        if (c < ' ' || c == 0x7f) {
            p[i] = ' ';
        } else if (c == 0xc2 && next >= 0x80 && next <= 0x9f) {
            p[i] = ' ';
            p[i + 1] = ' ';
        }
    }
}

size_t plain_width(struct str s)
{
    size_t width = 0;

    for (size_t i = 0; i < s.n; i++)
        width += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return width;
}
