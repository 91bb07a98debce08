"""The regressor: parameters, their documentation, and all that knows of numbers."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils._param_validation import StrOptions

from skbag._core.communicator import (
    Communicator,
    check_same,
    concatenate_weights,
)
from skbag._estimator import inputs
from skbag._estimator.embedding_bag import BaseEmbeddingBag
from skbag._estimator.fit_context import keeps_global_settings
from skbag._estimator.parameters import CONSTRAINTS
from skbag._model.model import Model
from skbag._persistence.onnx_graph import build_regression_onnx
from skbag._targets.label_sets import Codes
from skbag._targets.numbers import read_numbers
from skbag._targets.regression_losses import REGRESSION_LOSSES
from skbag._targets.regression_targets import RegressionTargets, learn_numbers
from skbag._targets.targets import Targets
from skbag._text.token_rules import DEFAULT_PATTERN

if TYPE_CHECKING:
    from onnx import ModelProto


class EmbeddingBagRegressor(RegressorMixin, BaseEmbeddingBag):
    r"""Regressor of texts: a bag of weighted token embeddings under a linear model.

    Predicts numbers, one or several for each text: stars, prices, minutes. Takes raw
    texts (or any sparse matrix), needs no tuning, and does everything that scikit-learn
    expects of a regressor. A text becomes the weighted sum of the rows of a table, one
    row per token, as in ``torch.nn.EmbeddingBag``; no padding. By default the table has
    one column per output, so that the sum is the prediction already. With
    `embedding_dim` the two layers stay apart.

    .. versionadded:: 0.1

    The tokens are words, punctuation marks and pairs of neighbours, weighted by TF-IDF
    and by how much they say about `y`. Training is stochastic gradient descent on the
    squared error that touches the rows of a batch only. `y` is standardised for it, so
    that steps and penalties mean the same whatever its units.

    Parameters marked "auto" are decided by rules from what the data shows; the fitted
    attributes hold what they decided.

    Parameters
    ----------
    lowercase : bool, default=True
        Convert texts to lower case before tokenizing.

    strip_accents : {'ascii', 'unicode'}, callable or None, default=None
        Remove accents before tokenizing, as ``CountVectorizer`` does.

    preprocessor : callable or None, default=None
        Replaces `lowercase` and `strip_accents`: text to text.

    tokenizer : callable or None, default=None
        Replaces `token_pattern`: text to list of tokens. Used if
        ``analyzer='word'``.

    token_pattern : 'default' or str, default='default'
        What a token is: 'default', or a regular expression. 'default' takes words of
        any length with their combining marks; where a script has no spaces between
        words (Chinese, Japanese, Thai, Lao, Khmer, Burmese) each character; and every
        other visible character (punctuation, emoji) by itself. Without marks and such
        scripts that is ``r"(?u)\w+|[^\w\s]"``, the default of earlier versions, which
        is as fast.

    analyzer : {'word', 'char', 'char_wb'} or callable, default='word'
        Whether features are made of words or of characters ('char_wb': only inside
        words), or a function from a text to its features, which replaces all the
        parameters above.

    stop_words : 'english', list or None, default=None
        Tokens to leave out.

    ngram_range : tuple (min_n, max_n), default=(1, 2)
        Lengths of the runs of tokens (or characters) that become features. The default
        tokens are read by compiled code, whatever `lowercase`, `stop_words` and the
        lengths are; a callable above, another `token_pattern` or `analyzer`, or a given
        `vocabulary` takes the plain path of ``CountVectorizer``, several times slower.

    min_df : int, float or 'auto', default='auto'
        Leave out features in fewer texts; a float is a share of the texts. 'auto'
        keeps all as long as the table has at most 2**23 numbers, else it takes the
        smallest of 2, 3, 4, 6 and 8 that keeps it so; of skip pairs (see
        `short_text_features`) it keeps none that only one text holds.

    max_df : int or float, default=1.0
        Leave out features in more texts; a float is a share of the texts.

    max_features : int or None, default=None
        Keep only the so many most frequent features.

    vocabulary : mapping, iterable or None, default=None
        Features and their ids, used exactly; nothing is learnt or pruned then.

    short_text_features : bool or 'auto', default='auto'
        Also use the first and the last token of a text, the prefixes of 4 and 5
        and the suffix of 3 characters of its words, and skip pairs: two tokens with
        one or two others between them. 'auto' does where texts have fewer than 256
        characters on average and are fewer than 200,000 (in a stream, where the first
        part does, until 50,000 were seen), if the tokens are those of
        the default and `supervised_weighting` is on.

    subword_ngram_range : tuple (min_n, max_n), 'auto' or None, default='auto'
        Also use the runs of min_n to max_n characters of every word, with ``<`` before
        it and ``>`` after it, so that unknown and misspelt words count by what they
        share with known ones; for instance (3, 6). ``min_df='auto'`` keeps no run that
        only one text holds, and allows these runs a table as large as that of all
        other features. Fits take several times as long. Words of more than 1,000
        characters have none. 'auto' is (2, 4) for codes, names and identifiers: where
        there are 50 short texts or more (see `short_text_features`), and more than half
        of the tokens of new ones are likely to be unknown; else, and in a stream, None.

    n_buckets : int or None, default=None
        Rows of the table. Features are hashed into so many buckets instead of being
        numbered, so that memory is bounded, and `partial_fit` can go on for ever; 2**18
        to 2**22 are usual, at least 64. Features that share a bucket are taken for one.
        Nothing is pruned, and there is no `vocabulary_`. Where a feature goes depends
        on its text alone, the same everywhere.

    use_idf : bool, default=True
        Multiply counts by the inverse document frequency,
        ``ln((1 + n) / (1 + df)) + 1``. For texts only, like the next two.

    sublinear_tf : bool, default=True
        Replace a count by 1 + ln(count).

    norm : {'l1', 'l2'} or None, default='l2'
        Scale the weights of each text to norm 1.

    supervised_weighting : bool or 'auto', default='auto'
        Multiply the weight of each token by a factor that grows with what it says
        about `y`, between 0.5 and the square root of its relative information, and
        discount n-grams (0.7), first and last tokens (0.7), prefixes and suffixes (0.5)
        against words. For this, the numbers of each output are cut into four groups of
        about as many samples, which are counted as classes are. 'auto' does for texts,
        not for a matrix, whose values are taken as they are.

    embedding_dim : int or None, default=None
        Columns of the table. None: one per output, and nothing but an intercept above.
        An integer: EmbeddingBag, then Linear.

    embedding_init : mapping, tuple, object, str, path-like or None, default=None
        Vectors of words made elsewhere, for the rows of the table to begin with; needs
        `embedding_dim`, the width of the vectors. A mapping of tokens to vectors, a
        pair (words, matrix), an object like gensim's KeyedVectors, one with `tokenizer`
        and `embedding` like model2vec's StaticModel or WordLlama, or the path of a
        text file (.vec or GloVe, plain or gzip), which is read as a stream. Tokens are
        compared as they are, after `lowercase`. Those without a vector and all other
        features begin at zero. The `alpha` penalty is then on what is learnt on top of
        the vectors, and the layer above begins as the ridge regression of `y` on them.
        Not with `n_buckets`. A fitted model holds nothing of the source.

    freeze_embedding : bool, default=False
        Leave the table as `embedding_init` has made it, and train the layers above
        only.

    hidden_layer_sizes : tuple of int, default=()
        Units of hidden layers (ReLU) between the two; needs `embedding_dim`.

    loss : {'squared_error', 'huber', 'poisson'}, default='squared_error'
        'huber' is the squared error up to a residual of 1.35 standard deviations and a
        line beyond, so that outliers count for less; centre and scale are then the
        median and the distance of the quartiles. 'poisson' is half the deviance of
        counts or rates, whose logarithm is the score: for `y` that is not negative and
        varies the more the larger it is. It is trained by torch, which takes longer.

    dropout : float in [0, 1), default=0.0
        Probability with which each token of a text is left out in a training step;
        the others then count for more.

    alpha : float or 'auto', default='auto'
        Strength of the L2 penalty on the table: the mean loss plus
        ``alpha / 2 * sum(table ** 2)`` is minimised, as in ``SGDClassifier``, with `y`
        in units of its standard deviation. 'auto' is 0 in the first epoch, then the
        larger the less of the variance predictions explain, up to 0.004.

    learning_rate_init : float or 'auto', default='auto'
        First step of the table, for a loss that is summed over a batch; it falls
        linearly to 0 over all epochs. 'auto' is the largest that is stable for the
        data and the loss, at most 0.45 for texts of norm 1 and the squared error; and
        samples heavier or longer than such a step can carry are weighted down to it.

    max_iter : int or 'auto', default='auto'
        Number of epochs. 'auto' is 4 to 6: the more, the better the model did on
        samples of the first epoch before it was trained on them. Fewer than 5,000
        samples get more, up to 12.

    batch_size : int or 'auto', default='auto'
        Samples per step. 'auto' is 16 to 1024, by the number of samples and outputs,
        and less where the samples are so alike that large batches force small steps.

    shuffle : bool, default=True
        Shuffle the samples before they are cut into batches, and the batches in each
        epoch.

    early_stopping : bool, default=False
        Hold out a part of the samples, score it after each epoch, stop when that does
        not improve, and keep the best state. The score is R2, the mean over outputs.

    validation_fraction : float in (0, 1), default=0.1
        The share to hold out.

    n_iter_no_change : int, default=5
        Epochs without an improvement of `tol` after which training stops: of the
        validation score with `early_stopping`, else of the training loss.

    tol : float, default=1e-4
        The least improvement that counts as one.

    warm_start : bool, default=False
        Let `fit` go on from the model of the last `fit`: its vocabulary stays and
        grows, its rows are the start. How texts become weighted tokens stays as it
        was at the first `fit`; layers must stay as they were.

    random_state : int, RandomState instance or None, default=None
        Source of all randomness. An int makes results repeat bit by bit in the same
        environment. A RandomState, or for None the global generator of
        ``numpy.random``, is drawn from, so that each fit is another. Nothing else
        global is read or changed.

    verbose : int, default=0
        Print loss, validation score and speed after each epoch.

    device : str, default='auto'
        Where to train: 'cpu', 'cuda', 'cuda:1', 'mps', or 'auto': the CPU for all
        tasks that take it seconds, CUDA (if there is one) for larger ones. The fitted
        estimator knows no device.

    n_jobs : int or None, default=None
        Threads to use to learn the vocabulary of many texts, to train many columns of
        a table of scores and to predict. None: all cores, or the share that joblib gave
        this process. Where torch trains on the CPU (layers, other losses, dropout,
        given vectors, several processes), None is one of its threads, as they spin
        while they wait for each other: several times slower beside other work. Results
        do not depend on it; layers above the table are trained by one thread in any
        case, and forked processes use one of torch's.

    distributed : bool, default=False
        Let `fit` in every process of torch's default process group train one model,
        each call with samples of its own: the processes of ``torchrun``, say, after
        ``torch.distributed.init_process_group("gloo")``. All end with the same model,
        bit for bit, that of one process and all samples up to rounding and the order
        of the samples. `batch_size` and all other parameters are those of the whole.
        Not with `embedding_init`, `warm_start`, nor in `partial_fit`.

    checkpoint : str, path-like or None, default=None
        File in which `fit` keeps, after each epoch, what it takes to go on from there.
        A `fit` that finds it, with the same samples and parameters, goes on and ends
        with the model, bit for bit, of one that was never cut short; with others it
        raises. At its end it removes the file. Of several processes the first reads and
        writes it.

    Attributes
    ----------
    n_outputs_ : int
        Number of outputs, the columns of `y`.

    embedding_init_coverage_ : float or None
        Share of the vocabulary's single tokens that have a vector in `embedding_init`;
        None without it.

    vocabulary_ : mapping of str to int
        Feature to id (row of `embedding_`), read-only, built when first looked into;
        ids are in the order in which features first occur. Not there after fitting on
        a matrix, or with `n_buckets`.

    embedding_ : ndarray of shape (n_ids, embedding_dim), dtype=float32
        The table; one column per output if ``embedding_dim=None``, in units of the
        standardised `y`.

    coef_ : ndarray of shape (n_outputs, n_ids), dtype=float32
        Coefficients of the weighted tokens in units of `y`, as in scikit-learn's linear
        models, computed at each access. Not there with `hidden_layer_sizes` and after
        `compress`.

    intercept_ : ndarray of shape (n_outputs,), dtype=float64
        Intercepts of the outputs, in units of `y`; of its logarithm with
        ``loss='poisson'``.

    n_features_in_ : int
        Number of columns of a matrix or data frame, or 1 for texts in a column; not
        there for texts in a list.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of a data frame.

    n_iter_ : int
        Number of epochs.

    loss_curve_ : list of float
        Mean loss of each epoch, of every sample just before it was trained on.

    validation_scores_ : list of float or None
        Score of the samples held out, after each epoch; None without `early_stopping`.

    best_validation_score_ : float or None
        The best of them, which is that of the state kept.

    batch_size_ : int
        What `batch_size` came to.

    learning_rate_ : float
        What `learning_rate_init` came to.

    alpha_ : float
        What `alpha` came to.

    See Also
    --------
    sklearn.feature_extraction.text.TfidfVectorizer : The text parameters come from it.
    sklearn.linear_model.Ridge : The same model and loss on a TF-IDF matrix.
    EmbeddingBagClassifier : For classes, and labels of which a text may have several.

    Notes
    -----
    ``use_idf=False, sublinear_tf=False, norm='l1', supervised_weighting=False`` is
    ``torch.nn.EmbeddingBag(mode='mean')``; with ``norm=None`` it is ``mode='sum'``.
    ``supervised_weighting=False`` alone gives the weights of
    ``TfidfVectorizer(sublinear_tf=True)`` over the same tokens.

    Texts without any known token get the intercept as their prediction.

    For grades such as stars, fit on their numbers and round what is predicted.

    References
    ----------
    A. Joulin, E. Grave, P. Bojanowski, T. Mikolov, "Bag of Tricks for Efficient Text
    Classification", EACL 2017.

    Examples
    --------
    >>> from skbag import EmbeddingBagRegressor
    >>> texts = ["arrived in a day", "took a week", "came the next day",
    ...          "a week late"] * 5
    >>> days = [1, 7, 1, 8] * 5
    >>> reg = EmbeddingBagRegressor(random_state=0).fit(texts, days)
    >>> reg.predict(["here in a day", "a week at least"]).round()
    array([2., 7.])
    """

    _targets: RegressionTargets

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **{k: v for k, v in CONSTRAINTS.items() if k != "text_encoder"},
        "loss": [StrOptions(set(REGRESSION_LOSSES))],
    }
    _losses = REGRESSION_LOSSES
    _predicts_numbers = True

    def __init__(
        self,
        *,
        lowercase: bool = True,
        strip_accents: str | Callable[[str], str] | None = None,
        preprocessor: Callable[[str], str] | None = None,
        tokenizer: Callable[[str], list[str]] | None = None,
        token_pattern: str = DEFAULT_PATTERN,
        analyzer: str | Callable[[Any], list[Any]] = "word",
        stop_words: str | list[str] | None = None,
        ngram_range: tuple[int, int] = (1, 2),
        min_df: float | str = "auto",
        max_df: float = 1.0,
        max_features: int | None = None,
        vocabulary: Any = None,
        short_text_features: bool | str = "auto",
        subword_ngram_range: tuple[int, int] | str | None = "auto",
        n_buckets: int | None = None,
        use_idf: bool = True,
        sublinear_tf: bool = True,
        norm: Literal["l1", "l2"] | None = "l2",
        supervised_weighting: bool | str = "auto",
        embedding_dim: int | None = None,
        embedding_init: Any = None,
        freeze_embedding: bool = False,
        hidden_layer_sizes: tuple[int, ...] = (),
        loss: str = "squared_error",
        dropout: float = 0.0,
        alpha: float | str = "auto",
        learning_rate_init: float | str = "auto",
        max_iter: int | str = "auto",
        batch_size: int | str = "auto",
        shuffle: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        tol: float = 1e-4,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
        device: str = "auto",
        n_jobs: int | None = None,
        distributed: bool = False,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> None:
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        self.preprocessor = preprocessor
        self.tokenizer = tokenizer
        self.token_pattern = token_pattern
        self.analyzer = analyzer
        self.stop_words = stop_words
        self.ngram_range = ngram_range
        self.min_df = min_df
        self.max_df = max_df
        self.max_features = max_features
        self.vocabulary = vocabulary
        self.short_text_features = short_text_features
        self.subword_ngram_range = subword_ngram_range
        self.n_buckets = n_buckets
        self.use_idf = use_idf
        self.sublinear_tf = sublinear_tf
        self.norm = norm
        self.supervised_weighting = supervised_weighting
        self.embedding_dim = embedding_dim
        self.embedding_init = embedding_init
        self.freeze_embedding = freeze_embedding
        self.hidden_layer_sizes = hidden_layer_sizes
        self.loss = loss
        self.dropout = dropout
        self.alpha = alpha
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.device = device
        self.n_jobs = n_jobs
        self.distributed = distributed
        self.checkpoint = checkpoint

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> EmbeddingBagRegressor:
        """Learn the vocabulary, the weights of its tokens and the model.

        If anything goes wrong on the way, the estimator is as it was before.

        Parameters
        ----------
        X : texts, or a matrix of shape (n_samples, n_features)
            Texts as a list, tuple, 1-D array, pandas or polars Series, Arrow array,
            or in an (n_samples, 1) array or data frame. Or a data frame of several
            columns: those of strings are texts, each with features of its own, those of
            categories are one token each, those of numbers are standardised and weighed
            by what they tell. Or bags as a sparse or dense matrix of numbers: column j
            is token j, a value its weight; where many values are not zero, columns are
            standardised to train on.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Numbers, none missing. With ``loss="poisson"`` none negative.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each sample counts. Only the proportions matter; a sample of
            weight 0 is as good as absent.
        X_val, y_val : as X and y, default=None
            Samples that early stopping goes by, in place of `validation_fraction` of
            the others: later ones, perhaps, or those of other authors. All of `X` is
            then trained on. With ``early_stopping=True``.
        sample_weight_val : array-like of shape (n_validation_samples,), default=None
            How much each of these counts in the validation score.

        Returns
        -------
        self : EmbeddingBagRegressor

        Raises
        ------
        ValueError, TypeError
            If `X`, `y`, `sample_weight` or a parameter cannot be used; the message
            says what was seen, what was expected and what to try.
        ModelFileError
            If `checkpoint` names a file that is damaged or no checkpoint.
        RankError
            With `distributed`, if another process fails or is lost.
        MemoryError
            If the fit would take more memory than there is, before anything large is
            made; the message says how much, and what brings it down.

        Warns
        -----
        ConvergenceWarning
            If training diverges; the last sound state is kept.
        """
        fitted: EmbeddingBagRegressor = super().fit(
            X,
            y,
            sample_weight,
            X_val=X_val,
            y_val=y_val,
            sample_weight_val=sample_weight_val,
        )
        return fitted

    @keeps_global_settings
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> EmbeddingBagRegressor:
        """Go on learning from one more part of the data, in one pass over it.

        As of `EmbeddingBagClassifier`. Mean and scale of `y` are those of all parts so
        far, made anew as samples double: rows and intercepts follow, so that
        predictions stay. What tokens say of `y` is counted in groups of numbers that
        the first part sets, which should have some hundred samples; so are median and
        quartiles of ``loss="huber"``. `min_df`, `max_df` and `max_features` need all
        texts at once and apply in `fit` only, as does `early_stopping`.

        Parameters
        ----------
        X : texts, or a matrix of shape (n_samples, n_features)
            As in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            As in `fit`, of as many outputs in each call.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each sample counts against one of weight 1, across all calls.

        Returns
        -------
        self : EmbeddingBagRegressor

        Raises
        ------
        ValueError, TypeError
            As `fit`; and where `y` has another number of outputs than in the first
            call.
        MemoryError
            As `fit`.
        """
        self._learn_part(X, y, sample_weight)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict the number, or the numbers, of each sample.

        Parameters
        ----------
        X : texts or matrix
            Of the kind that `fit` was given. A text without known tokens is answered by
            the intercept.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs), dtype=float64
            1-D where `y` was in `fit`. Computed in float32, but for centre and scale.
        """
        y: NDArray[np.float64] = self._predict(X)
        return y

    def top_tokens(
        self, k: int = 10, *, output: int = 0, parts: bool = False
    ) -> dict[str, list[tuple[Any, float]]]:
        """Return the tokens and pairs that raise a prediction most, and that lower it.

        What one occurrence adds, in units of `y` (of its logarithm with
        ``loss="poisson"``): its weight times its coefficient, before the weights of a
        text are scaled by `norm`.

        Parameters
        ----------
        k : int, default=10
            So many of each, at most.
        output : int, default=0
            Number of the output, the column of `y`.
        parts : bool, default=False
            Whether to list other features, too; see `most_similar`.

        Returns
        -------
        tokens : dict of list of (feature, contribution)
            "raising" and "lowering", the strongest first.

        Raises
        ------
        ValueError
            If there is no such output; or with `hidden_layer_sizes`. With `n_buckets`
            and after `compress`, where features have no names.

        Examples
        --------
        >>> from skbag import EmbeddingBagRegressor
        >>> texts = ["good food", "good wine", "bad food", "bad wine"] * 5
        >>> reg = EmbeddingBagRegressor(random_state=0, short_text_features=False)
        >>> tokens = reg.fit(texts, [5, 4, 2, 1] * 5).top_tokens(1)
        >>> tokens["raising"][0][0], tokens["lowering"][0][0]
        ('good', 'bad')
        """
        from skbag._model.inspection import strongest_tokens

        model, targets = self._fitted_model(), self._targets
        if isinstance(output, bool) or output not in range(targets.n_outputs):
            raise ValueError(
                f"There is no output {output!r}; there are {targets.n_outputs}, "
                "numbered from 0."
            )
        factor = float(targets.score_units()[0][output])
        return strongest_tokens(model, self._features(parts), int(output), factor, k)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.positive_only = self.loss == "poisson"
        return tags

    def _learn_targets(
        self, y: Any, sample_weight: ArrayLike | None, communicator: Communicator
    ) -> tuple[RegressionTargets, Codes]:
        values, is_1d = read_numbers(y)
        weight = inputs.read_sample_weight(sample_weight, len(values))
        all_values, all_weights = values, weight
        if communicator.world_size > 1:
            check_same(communicator, {"y": f"numbers of {values.shape[1]} outputs"})
            received = communicator.all_gather((values, weight))
            all_values = np.concatenate([part for part, _ in received])
            all_weights = concatenate_weights([(len(p), w) for p, w in received])
        targets = learn_numbers(all_values, all_weights, self.loss, is_1d=is_1d)
        targets.check_rates()
        return targets, targets.units.encode(values)

    def _announce_targets(
        self, y: Any, sample_weight: ArrayLike | None, **announced: Any
    ) -> RegressionTargets:
        if not hasattr(self, "_targets"):
            # Of rates, others than 0 may follow.
            values, is_1d = read_numbers(y)
            weight = inputs.read_sample_weight(sample_weight, len(values))
            return learn_numbers(values, weight, self.loss, is_1d=is_1d)
        targets = self._targets
        targets.check_link(self.loss == "poisson")
        values = targets.read(y)
        weight = inputs.read_sample_weight(sample_weight, len(values))
        return targets.with_more(values, weight)

    def _build_onnx(self, model: Model) -> ModelProto:
        return build_regression_onnx(
            self._in_units_of_y(model.predictor),
            has_log_link=self._targets.has_log_link,
        )

    def _set_target_attributes(self, targets: Targets) -> None:
        self.n_outputs_ = targets.n_outputs


# Pickles and skops name the public place, and no private one.
EmbeddingBagRegressor.__module__ = "skbag"
