"""What e2e, wire and soak tests share: real processes, real API servers, origins that record. See README.md."""
