/*
 * Keys for the tests of crypto/: the published ones of RFC 7515 (A.2, A.3) and throw-away ones that must be
 * refused.
 */
#ifndef TEST_CRYPTO_KEYS_H
#define TEST_CRYPTO_KEYS_H

static const char RFC7515_ES256_PUBLIC[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
    "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
    "-----END PUBLIC KEY-----\n";

static const char RFC7515_ES256_PRIVATE[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49\n"
    "AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b\n"
    "focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
    "-----END EC PRIVATE KEY-----\n";

static const char RFC7515_RS256_PUBLIC[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj\n"
    "NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz\n"
    "P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo\n"
    "9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB\n"
    "EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX\n"
    "FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp\n"
    "oQIDAQAB\n"
    "-----END PUBLIC KEY-----\n";

static const char RSA_1024_PUBLIC[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC8vkPUFazwjlyiHM92tQYQqLZD\n"
    "hSbIC/dKb35FtmR7McjeN1MubLMO68YhMusmduhJyItprnaK2ScCxpcE/vzjdfHi\n"
    "ujQ0arYTfaAoesAs3RzG2YRueScn9d/FOVClMEiV+ojLC0gqxvI6yRwCx87lOxld\n"
    "Jmt1cIKUyIqA16P2UwIDAQAB\n"
    "-----END PUBLIC KEY-----\n";

static const char P384_PUBLIC[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEVwGRsuNnifD4Yf1X/XaueBlNc806/IaA\n"
    "HJoqiee6rqHSKS/0vWj1bX2ftjT/iXjZ/138ZhQ06/FFrcK1qyez1nL7UUIFgCTl\n"
    "Yha8+CwnHeyeIH92tMwzzUphg4c7uYks\n"
    "-----END PUBLIC KEY-----\n";

static const char ENCRYPTED_PRIVATE[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgav9GH3+N8agICA+gw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEAaGIBV5w5a/Y5eSW/JQqIYEgZDY\n"
    "zJhnN2kkWJgxvsZL/vOeF4S+vTxBAMRHcUrhyKf/deLMjOloFoyK1Ly/Oeg6KzWG\n"
    "pVt5BklKmEpF1C9geszxlUeP/nPVccphix0Wx/JM7MDJd0Uxyn6VtHIR7U1HoQ0N\n"
    "2QAw8V2MMB5QXZZHRtdDFy5eHNk7IWhIlSbym92CKnM0YEDvo2EfSzmxoBIVtMo=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

#endif
