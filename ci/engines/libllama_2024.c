// libllama of 2024, such as bitnet.cpp's, as an engine for Bitreceipt; the protocol is ../ENGINE_PROTOCOL.md.
// The servers of that time stream text without ids, and hold back tokens that end within a character.
//
// cc -O2 libllama_2024.c -I LLAMA/include -I LLAMA/ggml/include -L BUILD/src -lllama -L BUILD/ggml/src -lggml -o driver
// bitreceipt benchmark --model M.gguf --engine 'libllama=./driver {model} {threads} {context}'
#include "llama.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void to_stderr(enum ggml_log_level level, const char *text, void *data) { fputs(text, stderr); }

static long number(const char *line, const char *field) {
    const char *at = strstr(line, field);
    return at ? strtol(at + strlen(field), NULL, 10) : 0;
}

// Feeds n tokens from position `from` on; returns the logits of the last one.
static const float *feed(struct llama_context *context, llama_token *tokens, int n, int from) {
    struct llama_batch batch = llama_batch_init(n, 0, 1);
    batch.n_tokens = n;
    for (int i = 0; i < n; i++) {
        batch.token[i] = tokens[i];
        batch.pos[i] = from + i;
        batch.n_seq_id[i] = 1;
        batch.seq_id[i][0] = 0;
        batch.logits[i] = i == n - 1;
    }
    if (llama_decode(context, batch)) {
        puts("{\"error\": \"llama_decode failed\"}");
        exit(1);
    }
    llama_batch_free(batch);
    return llama_get_logits_ith(context, n - 1);
}

static int largest(const float *logits, int n, const char *taken) {
    int best = -1;
    for (int i = 0; i < n; i++)
        if (!(taken && taken[i]) && (best < 0 || logits[i] > logits[best])) best = i;
    return best;
}

static void say(const float *logits, int n_vocab, int token, int k) {
    printf("{\"token\": %d", token);
    char *taken = calloc(n_vocab, 1);
    for (int i = 0; i < k && i < n_vocab; i++) {
        int id = largest(logits, n_vocab, taken);
        taken[id] = 1;
        printf("%s[%d, %.9g]", i ? ", " : ", \"top_logits\": [", id, logits[id]);
    }
    free(taken);
    puts(k > 0 ? "]}" : "}");
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    llama_log_set(to_stderr, NULL);
    struct llama_model *model = llama_load_model_from_file(argv[1], llama_model_default_params());
    struct llama_context_params params = llama_context_default_params();
    params.n_threads = params.n_threads_batch = atoi(argv[2]);
    params.n_ctx = params.n_batch = atoi(argv[3]);
    struct llama_context *context = model ? llama_new_context_with_model(model, params) : NULL;
    if (!context) return 1;
    int n_vocab = llama_n_vocab(model);
    llama_token *prompt = malloc(sizeof *prompt * (params.n_ctx + 1));
    puts("{\"ready\": 1, \"name\": \"libllama\", \"kv_type\": \"f16\"}");
    fflush(stdout);
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, stdin) > 0) {
        int n_prompt = 0, n = number(line, "\"n\":"), k = number(line, "\"top_logits\":");
        char *at = strstr(line, "\"prompt_ids\":[") + strlen("\"prompt_ids\":[");
        while (n_prompt < (int)params.n_ctx && *at && at[-1] != ']') prompt[n_prompt++] = strtol(at, &at, 10), at++;
        llama_kv_cache_clear(context);
        const float *logits = feed(context, prompt, n_prompt, 0);
        for (int i = 0; i < n; i++) {
            llama_token token = largest(logits, n_vocab, NULL);
            say(logits, n_vocab, token, k);
            if (i + 1 < n) logits = feed(context, &token, 1, n_prompt + i);
        }
        puts("{\"end\": true}");
        fflush(stdout);
    }
    return 0;
}
