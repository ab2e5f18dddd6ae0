/*
 * A self-signed P-256 certificate for 127.0.0.1 and its key, used by the relay tests only.
 *
 * openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj /CN=relay
 *   -addext subjectAltName=IP:127.0.0.1
 */
#ifndef TEST_HTTP_RELAY_KEYS_H
#define TEST_HTTP_RELAY_KEYS_H

#define RELAY_CERT                                                                                 \
    "-----BEGIN CERTIFICATE-----\n"                                                                \
    "MIIBiTCCAS6gAwIBAgIUQvRyH7TwSsaR+RF8XLuVDwCusDwwCgYIKoZIzj0EAwIw\n"                           \
    "EDEOMAwGA1UEAwwFcmVsYXkwIBcNMjYxMTIyMTUzNTI2WhgPMjEyNjEwMjkxNTM1\n"                           \
    "MjZaMBAxDjAMBgNVBAMMBXJlbGF5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n"                           \
    "14Nq+q8b8GhPl3Xfz+ra6cNwUHZ+54MhvQgDNdy3scXmgSxNle7C1JdXL6uEkr/J\n"                           \
    "2n1u5wC+B+rfzVxcTuunu6NkMGIwHQYDVR0OBBYEFK1kYLAioTjsFwzR4cbvO9NE\n"                           \
    "NQ//MB8GA1UdIwQYMBaAFK1kYLAioTjsFwzR4cbvO9NENQ//MA8GA1UdEwEB/wQF\n"                           \
    "MAMBAf8wDwYDVR0RBAgwBocEfwAAATAKBggqhkjOPQQDAgNJADBGAiEA1skXsyAk\n"                           \
    "zVQuxoTohQbxAMO5cgIm/XXTl6EigbWNqsoCIQDZtutnUnSYllyFzNmqrn4Ouja5\n"                           \
    "Jqel7mTudx6yl50Lcw==\n"                                                                       \
    "-----END CERTIFICATE-----\n"

#define RELAY_KEY                                                                                  \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgt0OT+/63otY9c7d+\n"                           \
    "CVbUIZ7dwoFY4udbrUkAZjCC1yKhRANCAATXg2r6rxvwaE+Xdd/P6trpw3BQdn7n\n"                           \
    "gyG9CAM13LexxeaBLE2V7sLUl1cvq4SSv8nafW7nAL4H6t/NXFxO66e7\n"                                   \
    "-----END PRIVATE KEY-----\n"

#endif
