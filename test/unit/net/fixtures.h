/*
 * Self-signed certificates of throw-away keys: one for self.test that nobody vouches for, and one for
 * weak.test with an RSA key of 1024 bits, which must not be believed at all.
 */
#ifndef TEST_NET_FIXTURES_H
#define TEST_NET_FIXTURES_H

static const char SELF_CHAIN[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBoTCCAUigAwIBAgIULiDfn5hdvB3Ir/kz3zAFzM2WJXYwCgYIKoZIzj0EAwIw\n"
    "FDESMBAGA1UEAwwJc2VsZi50ZXN0MCAXDTI2MTEyMjE1NDEyNFoYDzIxMjYxMDI5\n"
    "MTU0MTI0WjAUMRIwEAYDVQQDDAlzZWxmLnRlc3QwWTATBgcqhkjOPQIBBggqhkjO\n"
    "PQMBBwNCAARssx4iUK71BFxYzC/v14sN8Td8FTp8zvxfSuNzad1Zf6Qn7UxUPoZw\n"
    "QXJd+c9A0HYdeqi/7H2QRe1QYoJeC9ito3YwdDAdBgNVHQ4EFgQUtxIQdr7DO4zZ\n"
    "gGPjBct0M7AptTgwHwYDVR0jBBgwFoAUtxIQdr7DO4zZgGPjBct0M7AptTgwDwYD\n"
    "VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglzZWxmLnRlc3QwCwYDVR0PBAQDAgeA\n"
    "MAoGCCqGSM49BAMCA0cAMEQCIF6rw47qZbR9PofjEFeFuVl250j+0n9kjcY7x79X\n"
    "gw5lAiAHvLoWtU17oT8URAERyKBj97pnkA3V822623GvlyaXDg==\n"
    "-----END CERTIFICATE-----\n";

static const char SELF_KEY[] = "-----BEGIN EC PRIVATE KEY-----\n"
                               "MHcCAQEEIBH1YsUUPlBmRtDPlnY9UNUg1jowY+QyT3OtP36D9AwIoAoGCCqGSM49\n"
                               "AwEHoUQDQgAEbLMeIlCu9QRcWMwv79eLDfE3fBU6fM78X0rjc2ndWX+kJ+1MVD6G\n"
                               "cEFyXfnPQNB2HXqov+x9kEXtUGKCXgvYrQ==\n"
                               "-----END EC PRIVATE KEY-----\n";

static const char WEAK_CHAIN[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIICHDCCAYWgAwIBAgIUPkbc/83FoOvY5+oSqjncFiHuFMswDQYJKoZIhvcNAQEL\n"
    "BQAwFDESMBAGA1UEAwwJd2Vhay50ZXN0MCAXDTI2MTEyMjE1MjIzNFoYDzIxMjYx\n"
    "MDI5MTUyMjM0WjAUMRIwEAYDVQQDDAl3ZWFrLnRlc3QwgZ8wDQYJKoZIhvcNAQEB\n"
    "BQADgY0AMIGJAoGBAPPFX31nS/QXZOUhveTDkVmH9T1N4yL8knE9g3mMle3OhY1b\n"
    "pYcz18DoYZSW6XYxugvo0qImO4suRu82IOuEY2oE8biwDpHVxRn6cCoeX+FKggET\n"
    "kctD9/zsiuXKYddlw0/4KmJKyvbLu9Xf9mAeI2IG3dSXkG6UKLe0OZvnq2J1AgMB\n"
    "AAGjaTBnMB0GA1UdDgQWBBStS+dSFOpK0qp6mo74OZu883iLSjAfBgNVHSMEGDAW\n"
    "gBStS+dSFOpK0qp6mo74OZu883iLSjAPBgNVHRMBAf8EBTADAQH/MBQGA1UdEQQN\n"
    "MAuCCXdlYWsudGVzdDANBgkqhkiG9w0BAQsFAAOBgQDMDxor7FwRs9qM++nJMS34\n"
    "FnCnueG7p11A4RcH/tyuglntf+chwYv7qD0pnxlQ8a3L/hrY+avYyj1u3yzZ8T0l\n"
    "Y/BMFrL42VFu1+EEkRS8+qpw1TOuCTWcbt7SgulcR47p5UqQGwe7d+Cucv3v9Ijk\n"
    "GLDuMwz/yYIaqOWo63oS2Q==\n"
    "-----END CERTIFICATE-----\n";

static const char WEAK_KEY[] = "-----BEGIN PRIVATE KEY-----\n"
                               "MIICeAIBADANBgkqhkiG9w0BAQEFAASCAmIwggJeAgEAAoGBAPPFX31nS/QXZOUh\n"
                               "veTDkVmH9T1N4yL8knE9g3mMle3OhY1bpYcz18DoYZSW6XYxugvo0qImO4suRu82\n"
                               "IOuEY2oE8biwDpHVxRn6cCoeX+FKggETkctD9/zsiuXKYddlw0/4KmJKyvbLu9Xf\n"
                               "9mAeI2IG3dSXkG6UKLe0OZvnq2J1AgMBAAECgYBFF2kEMxXc/hBzvQeEYkW9GYLR\n"
                               "uFSrYujivauY9Na9yy4hLZuR4YjCPVsC8W8EN/3iSEADA1EXFqu2OyJDfodqRJU1\n"
                               "o5v+BrZfVpi4Kw13eq7bSTg/kMT7XbYUI3jUS59IHLFZcW8jPAaspPFsadNpD9xi\n"
                               "xA9jHpyRaMJGrlEdQQJBAPwNTKxzxh2EmoRgJCGivgpifP2EGnsJXkbPLF9Ga2EY\n"
                               "daZLMNwvctFj94IltVxtk0rhEId3EOu6hNTd59YQK7ECQQD3lt4lIKMw6FV+2sz5\n"
                               "czCsC4hUdvJGy5WHKKUtyqYoepCBA3qom5bJvEne/hZj8KwAAkwuY8WvKQ3nnjIA\n"
                               "DQgFAkEAyKGxgahacA6ojGyW9is8CLoi8g3gokVvxP+OO3yrZst4gtlhWDNwutpP\n"
                               "H0ry1VLnpvgGFz6gunNq3qKQs2WF0QJBAKY07j3oUgT0Aujcwzs2G9dzCnsBOpVR\n"
                               "97g7Dd/WqYKE/NrO1hm4ERquPrzmv2sp1p1O7Ys6yStUGRSCuzgTh20CQQDVKQF/\n"
                               "6h5JyDmD4zNATDECd3yDdZ+InIdKFLluUq9sILVO7kAeALm/aahpeMzT00bdvYuC\n"
                               "2LvZzg+bhUHBGtvR\n"
                               "-----END PRIVATE KEY-----\n";

#endif
