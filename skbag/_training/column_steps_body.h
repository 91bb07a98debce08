/* Body of a function SKBAG_NAME over LANES columns: included by column_steps.h only. */

#ifdef SKBAG_TARGET
SKBAG_TARGET
#endif
static int64_t SKBAG_NAME(
    const SkbagProblem* p, SkbagColumns* columns, int64_t first, int64_t stop,
    double* losses) {
    float* table = columns->table;
    const int64_t n = columns->n;
    for (int64_t step = first; step < stop; step++) {
        const int64_t batch = p->order[step], start = p->edges[batch];
        const int64_t size = p->edges[batch + 1] - start;
        const int64_t end = p->offsets[start + size];
        const int64_t score_row = p->score_rows[step];
        const float scale = (float)columns->scale;
        float sums[LANES];
        double loss = 0;
        for (int c = 0; c < LANES; c++) sums[c] = 0;
        for (int64_t t = 0; t < size; t++) {
            const int64_t x = start + t;
            float* g = columns->gradient + t * LANES;
            float z[LANES], value[LANES];
            SKBAG_VECTOR total[LANES / SKBAG_WIDTH];
            memset(total, 0, sizeof(total));
            for (int64_t k = p->offsets[x]; k < p->offsets[x + 1]; k++) {
                if (k + SKBAG_ROWS_AHEAD < end)
                    SKBAG_PREFETCH(table + (int64_t)p->ids[k + SKBAG_ROWS_AHEAD] * LANES);
                const SKBAG_VECTOR* row =
                    (const SKBAG_VECTOR*)(table + (int64_t)p->ids[k] * LANES);
                const float weight = p->weights[k];
                for (int v = 0; v < LANES / SKBAG_WIDTH; v++) total[v] += weight * row[v];
            }
            memcpy(z, total, sizeof(z));
            for (int c = 0; c < LANES; c++)
                z[c] = z[c] * scale + columns->intercept[c];
            if (p->targets) {
                const float* y = p->targets + x * p->n_outputs + columns->first;
                for (int64_t c = 0; c < n; c++) {
                    const float residual = z[c] - y[c];
                    const float size = residual < 0 ? -residual : residual;
                    /* So asked that a residual that is not a number stays none. */
                    const float kept = size > p->delta ? p->delta : size;
                    g[c] = 2 * (residual < 0 ? -kept : kept);
                    value[c] = kept * (2 * size - kept);
                }
            } else {
                for (int c = 0; c < LANES; c++) {
                    /* So asked that a score that is not a number makes the loss none. */
                    const float slack = z[c] + 1 < 0 ? 0 : z[c] + 1;
                    g[c] = 2 * slack;
                    value[c] = slack * slack;
                }
            }
            for (int64_t c = n; c < LANES; c++) g[c] = value[c] = 0;
            if (score_row >= 0) {
                float* out = p->scores + (score_row + t) * p->n_outputs + columns->first;
                for (int64_t c = 0; c < n; c++) out[c] = z[c];
            }
            int64_t label = p->label_offsets ? p->label_offsets[x] : 0;
            const int64_t last =
                p->label_offsets ? p->label_offsets[x + 1] : p->classes ? 1 : 0;
            for (; label < last; label++) {
                const int64_t column =
                    p->classes ? p->classes[x] - p->class_shift : p->labels[label];
                const int64_t c = column - columns->first;
                if (c < 0 || c >= n) continue;
                const float slack = z[c] - 1 > 0 ? 0 : z[c] - 1;
                const float weight = p->label_weights ? p->label_weights[column] : 1;
                g[c] = 2 * slack * weight;
                value[c] = slack * slack * weight;
            }
            if (p->sample_weights) {
                const float weight = p->sample_weights[x];
                for (int c = 0; c < LANES; c++) {
                    g[c] *= weight;
                    value[c] *= weight;
                }
            }
            int moves = 0;
            for (int c = 0; c < LANES; c++) {
                moves |= g[c] != 0;
                sums[c] += g[c];
            }
            for (int64_t c = 0; c < n; c++) loss += value[c];
            columns->moves[t] = (unsigned char)moves;
        }
        if (!(loss <= p->largest_loss * (double)size * (double)n)) return step - first;
        losses[step] = loss;
        const double rate = p->rates[step];
        const float intercept_step = (float)(p->intercept_step * rate);
        for (int64_t c = 0; c < n; c++) {
            columns->squares[c] += sums[c] * sums[c];
            columns->intercept[c] -=
                intercept_step * (sums[c] / sqrtf(columns->squares[c]));
        }
        const double kept = 1 - rate * p->alpha * (double)size;
        columns->scale *= kept > 0.5 ? kept : 0.5;
        if (columns->scale < p->smallest_scale) {
            const float factor = (float)columns->scale;
            for (int64_t i = 0; i < p->n_ids * LANES; i++) table[i] *= factor;
            columns->scale = 1;
        }
        const float factor = (float)(-rate / columns->scale);
        for (int64_t t = 0; t < size; t++) {
            if (!columns->moves[t]) continue;
            const int64_t x = start + t;
            SKBAG_VECTOR g[LANES / SKBAG_WIDTH];
            memcpy(g, columns->gradient + t * LANES, sizeof(g));
            for (int64_t k = p->offsets[x]; k < p->offsets[x + 1]; k++) {
                if (k + SKBAG_ROWS_AHEAD < end)
                    SKBAG_PREFETCH(table + (int64_t)p->ids[k + SKBAG_ROWS_AHEAD] * LANES);
                SKBAG_VECTOR* row = (SKBAG_VECTOR*)(table + (int64_t)p->ids[k] * LANES);
                const float weight = factor * p->weights[k];
                for (int v = 0; v < LANES / SKBAG_WIDTH; v++) row[v] += weight * g[v];
            }
        }
    }
    return stop - first;
}
