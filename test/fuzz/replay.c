/*
 * Runs a fuzz target over the files of its corpus, without libFuzzer, so that every build and every
 * sanitizer keeps what fuzzing once found.  Takes files or one directory; closes with the count of
 * files.  An input that breaks the target ends the process, and the runner counts it as failed.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static int replay_file(const char *path)
{
    struct stat st;
    uint8_t *bytes;
    size_t n;
    FILE *f = fopen(path, "rb");

    if (!f || fstat(fileno(f), &st) == -1) {
        fprintf(stderr, "replay: open '%s': %s\n", path, strerror(errno));
        exit(2);
    }
    /* Exactly as large as the input, so that a sanitizer sees the first byte past it. */
    bytes = malloc(st.st_size ? (size_t)st.st_size : 1);
    n = bytes ? fread(bytes, 1, (size_t)st.st_size, f) : 0;
    fclose(f);
    fprintf(stderr, "replay: %s\n", path);
    LLVMFuzzerTestOneInput(bytes, n);
    free(bytes);
    return 1;
}

static int replay_directory(const char *path)
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);
    int count = 0;

    if (n == -1) {
        fprintf(stderr, "replay: open '%s': %s\n", path, strerror(errno));
        exit(2);
    }
    for (int i = 0; i < n; i++) {
        char file[4096];

        if (names[i]->d_name[0] != '.') {
            snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
            count += replay_file(file);
        }
        free(names[i]);
    }
    free(names);
    return count;
}

int main(int argc, char **argv)
{
    struct stat st;
    int count = 0;

    for (int i = 1; i < argc; i++) {
        if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
            count += replay_directory(argv[i]);
        else
            count += replay_file(argv[i]);
    }
    printf("%d inputs replayed\n", count);
    return 0;
}
