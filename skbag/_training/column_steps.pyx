"""Steps on the CPU where each column of the table is a task by itself.

With a table of scores and a loss that is a sum over outputs, no column asks for
another. So each block of columns goes through all batches of an epoch by itself, in
whatever thread, and the results are the same bits. A step is that of `Trainer`: the
gradients of a batch by the state before it, then the intercepts, the penalty as one
scale, and the rows; no transposed batch is made.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t, int32_t
from libc.string cimport memset

import numpy as np

from skbag._core.threads import Cancelled


cdef extern from "column_steps.h":
    ctypedef struct SkbagProblem:
        const int32_t* ids
        const int64_t* offsets
        const float* weights
        const int64_t* edges
        const int64_t* order
        const double* rates
        double alpha
        double intercept_step
        double largest_loss
        double smallest_scale
        int64_t n_ids
        const int64_t* classes
        int64_t class_shift
        const int64_t* label_offsets
        const int64_t* labels
        const float* label_weights
        const float* targets
        float delta
        const float* sample_weights
        const int64_t* score_rows
        float* scores
        int64_t n_outputs
        int has_avx2

    ctypedef struct SkbagColumns:
        float* table
        double scale
        float* intercept
        float* squares
        int64_t first
        int64_t n
        float* gradient
        unsigned char* moves

    int skbag_has_avx2() noexcept nogil
    int64_t skbag_steps(
        int lanes,
        const SkbagProblem* problem,
        SkbagColumns* columns,
        int64_t first,
        int64_t stop,
        double* losses,
    ) noexcept nogil


cdef enum:
    # Between two looks at whether the work is to end: so many steps, or fewer of so
    # many samples and entries together, which take some hundredths of a second.
    STEPS_AT_ONCE = 8
    WORK_AT_ONCE = 1 << 20


cdef class Samples:
    """Weighted bags and their codes, in the order of the batches.

    Parameters
    ----------
    ids, offsets, weights : buffers
        Of `Bags`.
    edges : buffer of int64, of length n_batches + 1
        The first sample of each batch, and the end.
    classes : buffer of int64, or None
        Class of each sample; None with labels or targets.
    class_shift : int
        Column of class 0, negated.
    label_offsets, labels : buffers of int64, or None
        As in `LabelSets`.
    label_weights : buffer of float32 of length n_outputs, or None
    targets : buffer of float32 of shape (n_samples, n_outputs), or None
        Numbers, of a regression; None with classes or labels.
    delta : float
        Residual beyond which the squared error of `targets` goes on as a line (Huber,
        "Robust Estimation of a Location Parameter", 1964); infinite for none.
    sample_weights : buffer of float32 of length n_samples, or None
    n_ids, n_outputs : int
        Ids are trusted to be below `n_ids`.

    Attributes
    ----------
    has_avx2 : bool
        Whether blocks of 16 columns are trained by AVX2; the bits are the same.

    Raises
    ------
    IndexError
        If the arrays do not fit each other.
    """

    cdef SkbagProblem problem
    cdef list _owners
    cdef readonly int64_t n_batches, largest_batch

    def __init__(
        self,
        const int32_t[::1] ids,
        const int64_t[::1] offsets,
        const float[::1] weights,
        const int64_t[::1] edges,
        const int64_t[::1] classes,
        int64_t class_shift,
        const int64_t[::1] label_offsets,
        const int64_t[::1] labels,
        const float[::1] label_weights,
        const float[:, ::1] targets,
        float delta,
        const float[::1] sample_weights,
        int64_t n_ids,
        int64_t n_outputs,
    ):
        cdef SkbagProblem* problem = &self.problem
        cdef int64_t n = len(offsets) - 1
        cdef int64_t n_batches = len(edges) - 1
        cdef int64_t i
        if n < 0 or n_batches < 0:
            raise IndexError("offsets and edges have at least one number, a 0")
        _check_bounds(offsets, len(ids), "offsets of the bags")
        _check_bounds(edges, n, "edges of the batches")
        if edges[n_batches] != n:
            raise IndexError("bags and batches do not fit each other")
        if len(ids) != len(weights):
            raise IndexError("ids and weights do not fit each other")
        if [classes is None, label_offsets is None, targets is None].count(False) != 1:
            raise ValueError("samples have either classes, labels or targets")
        if classes is not None and len(classes) != n:
            raise IndexError("bags and classes do not fit each other")
        if sample_weights is not None and len(sample_weights) != n:
            raise IndexError("bags and sample weights do not fit each other")
        if label_offsets is not None:
            if labels is None or len(label_offsets) != n + 1:
                raise IndexError("bags and labels do not fit each other")
            _check_bounds(label_offsets, len(labels), "offsets of the labels")
        if label_weights is not None and len(label_weights) != n_outputs:
            raise IndexError("outputs and label weights do not fit each other")
        if targets is not None and (
            targets.shape[0] != n or targets.shape[1] != n_outputs
        ):
            raise IndexError("bags, outputs and targets do not fit each other")
        # What the pointers point to.
        self._owners = [
            ids, offsets, weights, edges, classes, label_offsets, labels,
            label_weights, targets, sample_weights,
        ]
        memset(problem, 0, sizeof(SkbagProblem))
        problem.n_ids = n_ids
        problem.n_outputs = n_outputs
        problem.has_avx2 = skbag_has_avx2()
        problem.offsets = &offsets[0]
        problem.edges = &edges[0]
        if len(ids):
            problem.ids, problem.weights = &ids[0], &weights[0]
        if classes is not None and n:
            problem.classes, problem.class_shift = &classes[0], class_shift
        if label_offsets is not None:
            problem.label_offsets = &label_offsets[0]
            if len(labels):
                problem.labels = &labels[0]
        if label_weights is not None and n_outputs:
            problem.label_weights = &label_weights[0]
        if targets is not None and n and n_outputs:
            problem.targets, problem.delta = &targets[0, 0], delta
        if sample_weights is not None and n:
            problem.sample_weights = &sample_weights[0]
        self.n_batches, self.largest_batch = n_batches, 0
        for i in range(n_batches):
            self.largest_batch = max(self.largest_batch, edges[i + 1] - edges[i])

    @property
    def has_avx2(self):
        return bool(self.problem.has_avx2)

    @has_avx2.setter
    def has_avx2(self, value):
        self.problem.has_avx2 = bool(value) and skbag_has_avx2()


cdef int _check_bounds(const int64_t[::1] bounds, int64_t size, str name) except -1:
    """Raise where bounds do not start at 0, fall, or end beyond what they bound."""
    cdef int64_t i
    cdef bint fits = bounds[0] == 0 and bounds[len(bounds) - 1] <= size
    for i in range(len(bounds) - 1):
        fits = fits and bounds[i] <= bounds[i + 1]
    if not fits:
        raise IndexError(
            f"{name} have to start at 0, never fall, and end at {size} at most"
        )
    return 0


cdef int _check_steps(
    Samples samples,
    const int64_t[::1] order,
    const int64_t[::1] score_rows,
    float[:, ::1] scores,
) except -1:
    """Raise where a step is of a batch, or its scores go to rows, that are not there."""
    cdef int64_t step, batch, size
    cdef const int64_t* edges = samples.problem.edges
    if score_rows.shape[0] < order.shape[0]:
        raise IndexError("steps and rows of scores do not fit each other")
    for step in range(order.shape[0]):
        batch = order[step]
        if not 0 <= batch < samples.n_batches:
            raise IndexError(
                f"step {step} is of batch {batch}, but there are {samples.n_batches}"
            )
        size = edges[batch + 1] - edges[batch]
        if score_rows[step] >= 0 and (
            score_rows[step] > scores.shape[0] - size
            or scores.shape[1] != samples.problem.n_outputs
        ):
            raise IndexError(f"no room for the {size} scores of step {step}")
    return 0


cdef int64_t _last_step_at_once(
    const SkbagProblem* problem, int64_t first, int64_t n_steps
) noexcept nogil:
    """Where to look again at whether the work is to end."""
    cdef int64_t step = first, work = 0, batch, start, stop
    while step < min(first + STEPS_AT_ONCE, n_steps) and work < WORK_AT_ONCE:
        batch = problem.order[step]
        start, stop = problem.edges[batch], problem.edges[batch + 1]
        work += stop - start + problem.offsets[stop] - problem.offsets[start]
        step += 1
    return step


def run_epoch(
    Samples samples,
    float[:, ::1] table,
    double scale,
    int64_t first,
    int64_t n,
    float[::1] intercept,
    float[::1] squares,
    const int64_t[::1] order,
    const double[::1] rates,
    double alpha,
    double intercept_step,
    double largest_loss,
    double smallest_scale,
    const int64_t[::1] score_rows,
    float[:, ::1] scores,
    double[::1] losses,
    const unsigned char[::1] cancel,
):
    """Train a block of columns on the batches of an epoch.

    Parameters
    ----------
    samples : Samples
    table : buffer of shape (n_ids, lanes), float32
        Of 1, 4, 8 or 16 columns, the last of which may be padding; changed in place.
    scale : float
        The table is so many times too large.
    first, n : int
        First column of the whole table, and how many of the lanes are columns.
    intercept, squares : buffers of float32 of length lanes
        Intercepts and the sums of their squared gradients; changed in place.
    order : buffer of int64
        The batch of each step.
    rates : buffer of float64
        Size of each step.
    alpha : float
        L2 penalty of a sample.
    intercept_step : float
        Adagrad step of the intercepts for a rate of 1.
    largest_loss : float
        Mean loss of a column beyond which a step is unsound.
    smallest_scale : float
        Below it the scale is multiplied into the table.
    score_rows : buffer of int64
        For each step the row of `scores` where those of its samples begin, -1 for none.
    scores : buffer of shape (n_seen, n_outputs), float32
    losses : buffer of float64
        Set to the loss of each step, over these columns.
    cancel : buffer of one byte
        Another thread sets it to have the work ended.

    Returns
    -------
    n_steps : int
        Steps done; fewer than asked for where the loss of the next one is unsound, and
        then nothing of that step is.
    scale : float

    Raises
    ------
    IndexError, ValueError
        If the arrays do not fit each other.
    """
    cdef SkbagProblem problem = samples.problem
    cdef SkbagColumns columns
    cdef int lanes = <int> table.shape[1]
    cdef int64_t n_steps = len(order), done = 0, stop, n_done = 0
    if lanes not in (1, 4, 8, 16) or not 0 < n <= lanes:
        raise ValueError(f"{n} columns in a table of {lanes} lanes")
    if table.shape[0] != problem.n_ids or min(len(intercept), len(squares)) < lanes:
        raise IndexError("table, intercepts and samples do not fit each other")
    if not 0 <= first <= problem.n_outputs - n:
        raise IndexError(
            f"columns {first} to {first + n} of a table of {problem.n_outputs}"
        )
    if min(len(rates), len(losses)) < n_steps or not len(cancel):
        raise IndexError("steps and what belongs to each do not fit each other")
    _check_steps(samples, order, score_rows, scores)
    if not n_steps or not samples.largest_batch:
        losses[:n_steps] = 0
        return n_steps, scale
    gradient = np.empty((samples.largest_batch, lanes), dtype=np.float32)
    moves = np.empty(samples.largest_batch, dtype=np.uint8)
    cdef float[:, ::1] gradient_view = gradient
    cdef unsigned char[::1] moves_view = moves
    problem.order, problem.rates = &order[0], &rates[0]
    problem.alpha, problem.intercept_step = alpha, intercept_step
    problem.largest_loss, problem.smallest_scale = largest_loss, smallest_scale
    problem.score_rows = &score_rows[0]
    problem.scores = &scores[0, 0] if scores.shape[0] else NULL
    columns.table = &table[0, 0] if table.shape[0] else NULL
    columns.scale = scale
    columns.intercept, columns.squares = &intercept[0], &squares[0]
    columns.first, columns.n = first, n
    columns.gradient, columns.moves = &gradient_view[0, 0], &moves_view[0]
    while done < n_steps:
        if cancel[0]:
            raise Cancelled("ended by another thread")
        PyErr_CheckSignals()
        with nogil:
            stop = _last_step_at_once(&problem, done, n_steps)
            n_done = skbag_steps(lanes, &problem, &columns, done, stop, &losses[0])
        done += n_done
        if done < stop:
            break
    return done, columns.scale


def copy_columns(
    const float[:, ::1] block, float scale, int64_t n, int64_t first, float[:, ::1] table
):
    """Copy the first `n` columns of a block, times a scale, into those of a table.

    Parameters
    ----------
    block : buffer of shape (n_ids, lanes), float32
    scale : float
    n : int
    first : int
        Column of the table that the first becomes.
    table : buffer of shape (n_ids, width), float32
    """
    cdef int64_t i, c, lanes = block.shape[1], width = table.shape[1]
    cdef const float* own
    cdef float* out
    if block.shape[0] != table.shape[0] or n > lanes or first + n > width:
        raise IndexError("block and table do not fit each other")
    if not block.shape[0] or not n:
        return
    own, out = &block[0, 0], &table[0, first]
    with nogil:
        for i in range(block.shape[0]):
            for c in range(n):
                out[c] = own[c] * scale
            own += lanes
            out += width
