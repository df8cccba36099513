/* The fuzz target fuzz_graphs on random bytes: random_graphs [--operators] FIRST COUNT runs seeds FIRST .. FIRST + COUNT - 1 and says how many nodes
 * and operators were compared; --operators lists them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern uint64_t oo__compared_nodes;
extern char oo__compared_operators[1024][48];

int main(int argc, char **argv) {
    enum { SIZE = 1500 };
    static uint8_t data[SIZE];
    const int list = argc > 1 && strcmp(argv[1], "--operators") == 0;
    if (argc != 3 + list)
        return 2;
    const unsigned long first = strtoul(argv[1 + list], NULL, 10), count = strtoul(argv[2 + list], NULL, 10);
    for (unsigned long seed = first; seed < first + count; seed++) {
        uint64_t x = seed * 0x9e3779b97f4a7c15u + 1;
        for (int i = 0; i < SIZE; i++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            data[i] = (uint8_t)(x >> 24);
        }
        if (count == 1)
            fprintf(stderr, "seed %lu\n", seed);
        LLVMFuzzerTestOneInput(data, SIZE);
    }
    int operators = 0;
    while (operators < 1024 && *oo__compared_operators[operators])
        operators++;
    printf("%lu graphs, %llu nodes of %d operators: inference and evaluation agree\n", count, (unsigned long long)oo__compared_nodes, operators);
    for (int i = 0; list && i < operators; i++)
        puts(oo__compared_operators[i]);
    return 0;
}
