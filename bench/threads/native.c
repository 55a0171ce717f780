/* What malloc and free cost native threads: each replaces blocks of 16 to 1,024 bytes at random among 256 of its own, as C++ and Rust
   code does beside Python, without the GIL. Prints nanoseconds per block that was replaced, as each thread saw them. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { KEPT = 256 };

static pthread_barrier_t begin;
static long rounds;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void *work(void *given) {
    uint64_t random = 88172645463325252u + (uint64_t)(uintptr_t)given;
    unsigned char *kept[KEPT] = {0};
    pthread_barrier_wait(&begin);
    double start = now();
    for (long round = 0; round < rounds; round++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        unsigned char **slot = &kept[random % KEPT];
        free(*slot);
        size_t size = 16 + (random >> 32) % 1009;
        *slot = malloc(size);
        if (!*slot) abort();
        (*slot)[0] = (*slot)[size - 1] = 1;
    }
    double took = (now() - start) / (double)rounds;
    for (int at = 0; at < KEPT; at++) free(kept[at]);
    printf("%.1f\n", took);
    return NULL;
}

int main(int count, char **words) {
    if (count != 3) return 2;
    long threads = atol(words[1]);
    rounds = atol(words[2]);
    pthread_barrier_init(&begin, NULL, (unsigned)threads);
    pthread_t *all = calloc((size_t)threads, sizeof *all);
    for (long at = 0; at < threads; at++) pthread_create(&all[at], NULL, work, (void *)(at + 1));
    for (long at = 0; at < threads; at++) pthread_join(all[at], NULL);
    return 0;
}
