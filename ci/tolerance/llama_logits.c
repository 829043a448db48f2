// Greedy tokens and logits of llama.cpp, on token ids.
//   llama_logits MODEL N OUT KV  < prompts
// Each line of standard input is a prompt, ids separated by commas. For each, N greedy tokens are
// printed, and OUT gets N rows of f32, one for each choice. KV: f16 (with flash attention, llama.cpp's
// default) or f32 (without).
#include "ggml-backend.h"
#include "llama.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_IDS = 4096 };

static void quiet(enum ggml_log_level level, const char *text, void *unused) {
    (void) unused;
    if (level >= GGML_LOG_LEVEL_WARN) fputs(text, stderr);
}

static int parse(char *line, llama_token *ids) {
    int n = 0;
    for (char *word = strtok(line, ","); word && n < MAX_IDS; word = strtok(NULL, ",")) ids[n++] = atoi(word);
    return n;
}

static const float *feed(struct llama_context *context, const llama_token *ids, int n, int position) {
    struct llama_batch batch = llama_batch_init(n, 0, 1);
    batch.n_tokens = n;
    for (int i = 0; i < n; i++) {
        batch.token[i] = ids[i];
        batch.pos[i] = position + i;
        batch.n_seq_id[i] = 1;
        batch.seq_id[i][0] = 0;
        batch.logits[i] = i == n - 1;
    }
    if (llama_decode(context, batch)) exit(1);
    llama_batch_free(batch);
    return llama_get_logits_ith(context, -1);
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    llama_log_set(quiet, NULL);
    ggml_backend_load_all();
    struct llama_model *model = llama_model_load_from_file(argv[1], llama_model_default_params());
    if (!model) return 1;
    int n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(model)), n_tokens = atoi(argv[2]);
    FILE *out = fopen(argv[3], "wb");
    struct llama_context_params params = llama_context_default_params();
    params.n_ctx = params.n_batch = params.n_ubatch = 512;
    params.n_threads = params.n_threads_batch = 1;
    if (!strcmp(argv[4], "f32")) {
        params.type_k = params.type_v = GGML_TYPE_F32;
        params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    }
    struct llama_context *context = llama_init_from_model(model, params);
    if (!context || !out) return 1;
    static char line[16 * MAX_IDS];
    static llama_token ids[MAX_IDS];
    while (fgets(line, sizeof line, stdin)) {
        int n = parse(line, ids), position = 0;
        llama_memory_clear(llama_get_memory(context), true);
        for (int step = 0; step < n_tokens; step++) {
            const float *row = feed(context, ids, n, position);
            position += n;
            fwrite(row, sizeof *row, n_vocab, out);
            n = 1, ids[0] = 0;
            for (int i = 1; i < n_vocab; i++) if (row[i] > row[ids[0]]) ids[0] = i;
            printf(step ? ",%d" : "%d", ids[0]);
        }
        putchar('\n');
    }
    return fclose(out);
}
