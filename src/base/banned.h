/*
 * Functions nobody calls here; the compiler's message names the rule.
 *
 * Included before everything else with -include.  It pulls in the headers that declare the banned
 * names first, so that only later uses are replaced.  Bounds come from struct buf, numbers from
 * str_to_u64, formatted text from buf and snprintf.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#undef strcpy
#undef strcat
#undef stpcpy
#undef strncpy
#undef strncat
#undef strtok
#undef sprintf
#undef vsprintf
#undef sscanf
#undef atoi
#undef atol
#undef atoll
#undef atof
#undef strtol
#undef strtoll
#undef strtoul
#undef strtoull
#undef alloca

#define strcpy(...) base_banned_strcpy_use_buf_or_str_copy
#define strcat(...) base_banned_strcat_use_buf
#define stpcpy(...) base_banned_stpcpy_use_buf_or_str_copy
#define strncpy(...) base_banned_strncpy_use_buf_or_str_copy
#define strncat(...) base_banned_strncat_use_buf
#define strtok(...) base_banned_strtok_use_str_cut
#define sprintf(...) base_banned_sprintf_use_buf_or_snprintf
#define vsprintf(...) base_banned_vsprintf_use_buf_or_vsnprintf
#define sscanf(...) base_banned_sscanf_use_str_cut_and_str_to_u64
#define atoi(...) base_banned_atoi_use_str_to_u64
#define atol(...) base_banned_atol_use_str_to_u64
#define atoll(...) base_banned_atoll_use_str_to_u64
#define atof(...) base_banned_atof
#define strtol(...) base_banned_strtol_use_str_to_i64
#define strtoll(...) base_banned_strtoll_use_str_to_i64
#define strtoul(...) base_banned_strtoul_use_str_to_u64
#define strtoull(...) base_banned_strtoull_use_str_to_u64
#define alloca(...) base_banned_alloca_use_an_arena

#endif
