"""The classifier: parameters, their documentation, and all that knows of classes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import _check_partial_fit_first_call

from skbag._core.communicator import Communicator, check_same, total
from skbag._core.threads import n_threads
from skbag._estimator import inputs
from skbag._estimator.embedding_bag import BaseEmbeddingBag
from skbag._estimator.fit_context import keeps_global_settings
from skbag._estimator.parameters import CONSTRAINTS
from skbag._model.model import Model
from skbag._model.top_k import check_k
from skbag._persistence.onnx_graph import build_onnx
from skbag._targets.classification_targets import announced_targets, learn_targets
from skbag._targets.label_sets import Codes
from skbag._targets.labels import read_classes
from skbag._targets.losses import LOSSES, takes_labels
from skbag._targets.targets import ClassificationTargets, Targets
from skbag._text.token_rules import DEFAULT_PATTERN

if TYPE_CHECKING:
    from onnx import ModelProto

    from skbag._training.fit_result import FitResult


class EmbeddingBagClassifier(ClassifierMixin, BaseEmbeddingBag):
    r"""Text classifier: a bag of weighted token embeddings under a linear model.

    Takes raw texts (or any sparse matrix), needs no tuning, and does everything that
    scikit-learn expects of a classifier. A text becomes the weighted sum of the rows
    of a table, one row per token, as in ``torch.nn.EmbeddingBag``; no padding. By
    default the table has one column per class, so that the sum is the score already
    (a Linear above an EmbeddingBag is itself an EmbeddingBag with another table).
    With `embedding_dim` the two layers stay apart.

    The tokens are words, punctuation marks and pairs of neighbours, weighted by
    TF-IDF and by how much they say about the classes. Training is stochastic gradient
    descent on the squared hinge loss that touches the rows of a batch only.

    Parameters marked "auto" are decided by rules from what the data shows; the fitted
    attributes hold what they decided.

    .. versionadded:: 0.1

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
        about the classes, between 0.5 and the square root of its relative
        information, and discount n-grams (0.7), first and last tokens (0.7), prefixes
        and suffixes (0.5) against words. 'auto' does for texts, not for a matrix,
        whose values are taken as they are.

    embedding_dim : int or None, default=None
        Columns of the table. None: one per class (one in all for two classes), and
        nothing but an intercept above. An integer: EmbeddingBag, then Linear.

    embedding_init : mapping, tuple, object, str, path-like or None, default=None
        Vectors of words made elsewhere: a mapping of tokens to vectors, a pair (words,
        matrix), an object like gensim's KeyedVectors, one with `tokenizer` and
        `embedding` like model2vec's StaticModel or WordLlama (a word's vector is the
        mean of those of its pieces), or the path of a text file (.vec or GloVe, plain
        or gzip), which is read as a stream. Tokens are compared as they are, after
        `lowercase`.

        With ``embedding_dim=None`` they add to the scores, most where labelled texts
        are few: `fit` learns a linear model of the texts' mean vectors, and from texts
        unseen by both how much it is to count beside the bag, see
        `embedding_init_weight_`. Both are then one table, with rows for the first
        30,000 words of the source too, whether texts have them or not (not with a given
        `vocabulary`). `partial_fit` and `warm_start` go on from there; `partial_fit`
        cannot begin so. Only with the squared hinge loss.

        With `embedding_dim`, the width of the vectors, rows of the table begin with
        them. Tokens without a vector, pairs of words and all other features begin at
        zero. The `alpha` penalty is then on what is learnt on top of the vectors, and
        the layer above begins as the ridge regression of the classes on them. New
        tokens of `partial_fit` and `warm_start` get their vectors as well, as long as
        it stays set. Not with an adaptive softmax. Measured gains are small, and with
        `hidden_layer_sizes` vectors lost accuracy.

        Not with `n_buckets`. A fitted model holds nothing of the source; the parameter
        itself does, so a path is what copies, pickles and clones fastest.

    freeze_embedding : bool, default=False
        Leave the table as `embedding_init` has made it, and train the layers above
        only.

    text_encoder : object or callable, default=None
        Encoder of whole texts made elsewhere: an object with a method `encode`, such as
        a model of sentence-transformers or model2vec, or a function; it is given a list
        of str, and gives an array of one row of numbers for each. Its vectors, scaled
        to norm 1, add to the scores, most where labelled texts are few: `fit` learns a
        linear model of them, and from texts unseen by both how much it is to count
        beside the bag, see `text_encoder_weight_`. It encodes some 20,000 texts at
        most, each once; every prediction encodes its texts, which mostly takes many
        times as long as all else. Texts are as they are given, whatever `lowercase` or
        `preprocessor` say.

        `explain` has one row for what a text's vector adds, ``<text_encoder>``. For
        texts in one column, with the squared hinge loss, ``embedding_dim=None`` and
        without `embedding_init`, `warm_start`, `partial_fit` and `compress`. `clone`
        shares the encoder, `copy.deepcopy` and pickles hold what it is; `skbag.save`
        leaves it out, and `skbag.load` is given it.

    hidden_layer_sizes : tuple of int, default=()
        Units of hidden layers (ReLU) between the two; needs `embedding_dim`.

    loss : str, default='squared_hinge'
        One-vs-rest squared hinge loss, or cross-entropy of the softmax (logistic loss
        for two classes, and for each label of several). 'adaptive_softmax', which needs
        `embedding_dim`, is the cross-entropy of a softmax in two steps, frequent
        classes and clusters of rare ones first, for thousands of classes: the time of
        training and of `predict` and `top_k` grows with the square root of their
        number (Grave et al., "Efficient softmax approximation for GPUs", ICML 2017).
        With fewer than 500 it is the cross-entropy itself.

    dropout : float in [0, 1), default=0.0
        Probability with which each token of a text is left out in a training step;
        the others then count for more.

    alpha : float or 'auto', default='auto'
        Strength of the L2 penalty on the table: the mean loss plus
        ``alpha / 2 * sum(table ** 2)`` is minimised, as in ``SGDClassifier``. 'auto'
        is 0 in the first epoch, then the larger the less accurate predictions are,
        up to 0.001.

    learning_rate_init : float or 'auto', default='auto'
        First step of the table, for a loss that is summed over a batch; it falls
        linearly to 0 over all epochs. 'auto' is the largest that is stable for the
        data and the loss, at most 0.45 for texts of norm 1 and the squared hinge; and
        samples heavier or longer than such a step can carry are weighted down to it.

    max_iter : int or 'auto', default='auto'
        Number of epochs. 'auto' is 2 to 4: the more, the better the model did on
        samples of the first epoch before it was trained on them. Fewer than 5,000
        samples get more, up to 10.

    batch_size : int or 'auto', default='auto'
        Samples per step. 'auto' is 16 to 1024, by the number of samples and classes,
        and less where the samples are so alike that large batches force small steps.

    shuffle : bool, default=True
        Shuffle the samples before they are cut into batches, and the batches in each
        epoch.

    class_weight : dict, 'balanced' or None, default=None
        Weight of each class, multiplied with the sample weights in training; documents
        are counted whatever their class weighs. 'balanced': inversely proportional to
        its number of samples. Of several labels per sample, a dict of
        label number (column of `y`) to the weight of having the label against 1 for not
        having it; 'balanced': as many times as there are samples without the label for
        each with it. Weights of labels above 4 count as 4.

    early_stopping : bool, default=False
        Hold out a part of the samples, score it after each epoch, stop when that does
        not improve, and keep the best state. The score is accuracy; of several labels
        per sample, the mean over samples of their F1 (1 where none is there or named).

    validation_fraction : float in (0, 1), default=0.1
        The share to hold out, stratified by class where possible (not by labels).

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

    distributed : bool, 'synchronous' or 'local', default=False
        Let `fit` in every process of torch's default process group train one model,
        each call with samples of its own: the processes of ``torchrun``, say, after
        ``torch.distributed.init_process_group("gloo")``. All end with the same model,
        bit for bit. With 'synchronous' it is that of one process and all samples up to
        rounding and the order of the samples. With 'local' each process trains on its
        own samples between a few exchanges in each epoch (local SGD), and `batch_size`
        is that of each; only for a table of scores, the squared hinge and no dropout.
        True chooses by the sizes of the task. Not with ``loss='adaptive_softmax'``,
        `embedding_init`, `text_encoder`, `warm_start`, nor in `partial_fit`.

    checkpoint : str, path-like or None, default=None
        File in which `fit` keeps, after each epoch, what it takes to go on from there.
        A `fit` that finds it, with the same samples and parameters, goes on and ends
        with the model, bit for bit, of one that was never cut short; with others it
        raises. At its end it removes the file. Of several processes the first reads and
        writes it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; of several per sample, their numbers, the columns of `y`.

    label_names_ : ndarray of shape (n_labels,), dtype=object, or None
        Names of the columns of `y`, where that was a data frame of an indicator matrix.

    embedding_init_coverage_ : float or None
        Share of the vocabulary's single tokens that have a vector in `embedding_init`;
        None without it.

    embedding_init_weight_ : float or None
        Share in [0, 1] of the model of the vectors in the scores, where `fit` added it
        to a table of scores: 0 is the bag alone, 0.5 where both tell as much, or where
        texts are too few to say. None without `embedding_init` or with `embedding_dim`.

    text_encoder_weight_ : float or None
        Share in [0, 1] of the model of the vectors of `text_encoder` in the scores: 0
        is the bag alone, and predictions encode nothing then. None without.

    vocabulary_ : mapping of str to int
        Feature to id (row of `embedding_`), read-only, built when first looked into;
        ids are in the order in which features first occur. Not there after fitting on
        a matrix, or with `n_buckets`.

    embedding_ : ndarray of shape (n_ids, embedding_dim), dtype=float32
        The table; one column per output if ``embedding_dim=None``. An *output* is a
        class or label; two classes share one. With `text_encoder` there is one more row
        for each number of a vector, after those of the features.

    feature_names_ : ndarray of shape (n_ids,), dtype=object
        Name of each row of `embedding_` and column of `coef_`: the token, pair or other
        feature, or the column of a matrix. Not there with `n_buckets` and after
        `compress`.

    coef_ : ndarray of shape (n_outputs, n_ids), dtype=float32
        Coefficients of the weighted tokens, as in scikit-learn's linear models:
        ``embedding_.T`` if ``embedding_dim=None``, else the last layer times that,
        computed at each access. Not there with `hidden_layer_sizes`, of an adaptive
        softmax and after `compress`.

    intercept_ : ndarray of shape (n_outputs,), dtype=float32
        Intercepts of the outputs.

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

    inverse_temperature_ : float
        Factor of the scores in `predict_proba`, one for all classes or labels. It is
        fitted to what the finished model says of training samples, had it not been
        trained on each of them; 1 for the cross-entropy.

    See Also
    --------
    sklearn.feature_extraction.text.TfidfVectorizer : The text parameters come from it.
    sklearn.svm.LinearSVC : The same model and loss on a TF-IDF matrix.

    Notes
    -----
    ``use_idf=False, sublinear_tf=False, norm='l1', supervised_weighting=False`` is
    ``torch.nn.EmbeddingBag(mode='mean')``; with ``norm=None`` it is ``mode='sum'``.
    ``supervised_weighting=False`` alone gives the weights of
    ``TfidfVectorizer(sublinear_tf=True)`` over the same tokens.

    Texts without any known token get the intercept as their score.

    References
    ----------
    A. Joulin, E. Grave, P. Bojanowski, T. Mikolov, "Bag of Tricks for Efficient Text
    Classification", EACL 2017.

    Examples
    --------
    >>> from skbag import EmbeddingBagClassifier
    >>> texts = ["my parcel is late", "the parcel never came", "refund my money",
    ...          "i want my money back"]
    >>> labels = ["delivery", "delivery", "payment", "payment"]
    >>> clf = EmbeddingBagClassifier(random_state=0).fit(texts, labels)
    >>> clf.predict(["where is my parcel", "money back please"])
    array(['delivery', 'payment'], dtype='<U8')
    """

    classes_: NDArray[Any]
    _targets: ClassificationTargets

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CONSTRAINTS,
        "loss": [StrOptions(set(LOSSES))],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }
    _losses = LOSSES
    _needs_all_data: ClassVar[dict[str, Any]] = {
        **BaseEmbeddingBag._needs_all_data,
        "class_weight": "balanced",
    }

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
        text_encoder: Any = None,
        hidden_layer_sizes: tuple[int, ...] = (),
        loss: str = "squared_hinge",
        dropout: float = 0.0,
        alpha: float | str = "auto",
        learning_rate_init: float | str = "auto",
        max_iter: int | str = "auto",
        batch_size: int | str = "auto",
        shuffle: bool = True,
        class_weight: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        tol: float = 1e-4,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
        device: str = "auto",
        n_jobs: int | None = None,
        distributed: bool | str = False,
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
        self.text_encoder = text_encoder
        self.hidden_layer_sizes = hidden_layer_sizes
        self.loss = loss
        self.dropout = dropout
        self.alpha = alpha
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.class_weight = class_weight
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
    ) -> EmbeddingBagClassifier:
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
        y : array-like of shape (n_samples,), or matrix of shape (n_samples, n_labels)
            Class labels of any type. Or, where a sample may have several labels or
            none, an indicator matrix of zeros and ones, dense or sparse, such as
            ``MultiLabelBinarizer`` makes: one loss for each label.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each sample counts, in its classes' document counts too. Only
            the proportions matter; a sample of weight 0 is as good as absent.
        X_val, y_val : as X and y, default=None
            Samples that early stopping goes by, in place of `validation_fraction` of
            the others: later ones, perhaps, or those of other authors. All of `X` is
            then trained on. With ``early_stopping=True``.
        sample_weight_val : array-like of shape (n_validation_samples,), default=None
            How much each of these counts in the validation score. `class_weight` does
            not change that.

        Returns
        -------
        self : EmbeddingBagClassifier

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
        fitted: EmbeddingBagClassifier = super().fit(
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
        self,
        X: Any,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> EmbeddingBagClassifier:
        """Go on learning from one more part of the data, in one pass over it.

        Tokens that come for the first time join the vocabulary with new ids, or meet
        their bucket. Document and class counts add up; weights are made of them anew
        as texts double, and of tokens that are new. Rows of the table stay as they are
        then: what earlier texts have taught is read with the weights of today, as new
        texts are. ``short_text_features='auto'`` is decided by the first part, and
        ends after 50,000 texts. ``learning_rate_init='auto'`` falls with the square
        root of the number of texts seen; a number stays what it is. `min_df`, `max_df`
        and `max_features` need all texts at once and apply in `fit` only, as do
        `early_stopping` and ``class_weight="balanced"``.

        Parameters
        ----------
        X : texts, or a matrix of shape (n_samples, n_features)
            As in `fit`.
        y : array-like of shape (n_samples,), or matrix of shape (n_samples, n_labels)
            As in `fit`.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come; needed in the first call. For an indicator
            matrix, the numbers of its columns.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each sample counts against one of weight 1, across all calls.

        Returns
        -------
        self : EmbeddingBagClassifier

        Raises
        ------
        ValueError, TypeError
            As `fit`; and where `y` holds a label that `classes` did not announce.
        MemoryError
            As `fit`.
        """
        self._learn_part(X, y, sample_weight, classes=classes)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the class, or the labels, of each sample.

        Parameters
        ----------
        X : texts or matrix
            Of the kind that `fit` was given. A text without known tokens is answered
            by the intercept.

        Returns
        -------
        y : ndarray of shape (n_samples,), or matrix of shape (n_samples, n_labels)
            Of the dtype of `classes_`. After fitting on an indicator matrix, one of
            int64, dense or sparse (CSR) as that was: 1 for the labels whose probability
            is above one half.
        """
        y: NDArray[Any] = self._predict(X)
        return y

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Score of each class or label; of ``classes_[1]`` where there are two classes.

        Of an adaptive softmax, the logarithm of the probability.

        Parameters
        ----------
        X : texts or matrix

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes), dtype=float64
            Computed in float32, like the model.
        """
        # Tools of scikit-learn compile for float64 and multiply by float64 weights.
        scores = self._map_scores(X, lambda scores: scores.astype(np.float64))
        return scores.ravel() if self._targets.has_two_classes else scores

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probability of each class, from ``inverse_temperature_`` x scores.

        Of two classes the logistic function (Platt, "Probabilistic Outputs for Support
        Vector Machines", 1999); of several each one's share of ``ln(1 + exp(x))``, a
        smooth form of the line that links scores by the squared hinge and probabilities
        (Zhang, "Statistical behavior and consistency of classification methods based
        on convex risk minimization", 2004); of the cross-entropy the softmax. Of
        several labels per sample, that of each label by itself, the logistic function:
        rows do not sum to 1.

        Parameters
        ----------
        X : texts or matrix

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes), dtype=float64
            Columns in the order of `classes_`.
        """
        return self._map_scores(
            X,
            lambda scores: self._targets.probabilities(scores, self._model.calibration),
        )

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Natural logarithm of `predict_proba`, without underflow.

        Parameters
        ----------
        X : texts or matrix

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes), dtype=float64
        """
        return self._map_scores(
            X,
            lambda scores: self._targets.log_probabilities(
                scores, self._model.calibration
            ),
        )

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Return how usual each sample is: the negative entropy of its probabilities.

        Higher is more usual. Samples of a class that training did not have get
        probabilities that are spread over several (Hendrycks and Gimpel, "A Baseline
        for Detecting Misclassified and Out-of-Distribution Examples in Neural
        Networks", ICLR 2017). Nothing of the training samples is kept for it, so that
        it also says of a known text between two classes that it is less usual.

        Parameters
        ----------
        X : texts or matrix

        Returns
        -------
        scores : ndarray of shape (n_samples,), dtype=float64
            ``sum(p * ln(p))``, from ``-ln(n_classes)``, where all classes are equally
            probable, to 0.

        Raises
        ------
        ValueError
            After fitting on an indicator matrix, where a sample of no label is as
            usual as any.

        See Also
        --------
        skbag.labels.novelty_threshold : From what score on a text counts as known.
        """
        self._fitted_model()
        if not self._targets.one_of_all:
            raise ValueError(
                "score_samples tells whether one of the classes fits; this "
                f"{type(self).__name__} was fitted on an indicator matrix, where a "
                "sample may have no label at all. Look at the largest probability "
                "of predict_proba, label by label."
            )
        return self._map_scores(X, self._negative_entropy)

    def _negative_entropy(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        logs = self._targets.log_probabilities(scores, self._model.calibration)
        # Rounding may take a sum of nearly 0 above it.
        sums: NDArray[np.float64] = np.sum(np.exp(logs) * logs, axis=1)
        return np.minimum(sums, 0.0)

    def top_k(self, X: Any, k: int) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Return the `k` most probable classes, or labels, of each sample.

        Parameters
        ----------
        X : texts or matrix
        k : int
            From 1 to the number of classes.

        Returns
        -------
        labels : ndarray of shape (n_samples, k)
            By falling score, of the dtype of `classes_`; of equal ones that first
            which comes first in `classes_`.
        probabilities : ndarray of shape (n_samples, k), dtype=float64
            Those of `predict_proba`.

        Raises
        ------
        ValueError, TypeError
            If `k` is no such number; or as `predict`.

        Examples
        --------
        >>> from skbag import EmbeddingBagClassifier
        >>> texts = ["bake the dough", "sail the ship", "prune the hedge"] * 4
        >>> clf = EmbeddingBagClassifier(random_state=0)
        >>> clf.fit(texts, ["kitchen", "sea", "garden"] * 4).classes_
        array(['garden', 'kitchen', 'sea'], dtype='<U7')
        >>> labels, probabilities = clf.top_k(["dough on a ship ship"], 2)
        >>> labels
        array([['sea', 'kitchen']], dtype='<U7')
        >>> bool(probabilities[0, 0] > probabilities[0, 1])
        True
        """
        model = self._fitted_model()
        check_k(k, len(self.classes_))
        X = inputs.read_X(self, X, reset=False)
        parts = model.best_in_parts(X, int(k), self._targets, n_threads(self.n_jobs))
        codes, probabilities = zip(*parts, strict=True)
        return self.classes_[np.concatenate(codes)], np.concatenate(probabilities)

    def top_tokens(
        self, class_label: Any = None, k: int = 10, *, parts: bool = False
    ) -> Any:
        """Return the tokens and pairs that add most to the score of a class.

        What one occurrence adds, its weight times its coefficient, before the weights
        of a text are scaled by `norm`.

        Parameters
        ----------
        class_label : object, default=None
            One of `classes_`, or of `label_names_`; None for each of them.
        k : int, default=10
        parts : bool, default=False
            Whether to list other features, too; see `most_similar`.

        Returns
        -------
        tokens : list of (feature, contribution), best first, or a dict of them
            A dict by class if `class_label` is None. Only features that speak for the
            class: there may be fewer than `k`. Two classes share one score, and what
            speaks for the first is what lowers it.

        Raises
        ------
        ValueError
            If there is no such class; or with `hidden_layer_sizes` or an adaptive
            softmax. With `n_buckets` and after `compress`, where features have no
            names.
        """
        from skbag._model.inspection import top_tokens

        model = self._fitted_model()
        assert isinstance(self._targets, ClassificationTargets)
        return top_tokens(model, self._features(parts), self._targets, k, class_label)

    @property
    def label_names_(self) -> NDArray[Any] | None:
        """Names of the labels, where `y` was a data frame of an indicator matrix.

        Of dtype object, in the order of `classes_`, which are their numbers.
        `top_tokens`, `explain` and displays call the labels by them. None after fitting
        on other `y`.
        """
        self._fitted_model()
        names = getattr(self._targets, "names", None)
        return None if names is None else np.array(names, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = takes_labels(self.loss)
        return tags

    def _learn_targets(
        self, y: Any, sample_weight: ArrayLike | None, communicator: Communicator
    ) -> tuple[ClassificationTargets, Codes]:
        is_part = communicator.world_size > 1
        targets, codes = learn_targets(y, is_part=is_part)
        if is_part:
            check_same(communicator, targets.facts())
            merged = targets.merge(communicator.all_gather(targets), codes)
            targets, codes = merged
        return targets, codes

    def _announce_targets(
        self, y: Any, sample_weight: ArrayLike | None, **announced: Any
    ) -> ClassificationTargets:
        classes = announced["classes"]
        if (
            type(classes) is list
            and hasattr(self, "classes_")
            and set(map(type, classes)) <= {str, int}
            and classes == self.classes_.tolist()
        ):
            # They are known to be sound: to check them takes a while, in many calls.
            classes = None
        if classes is not None:
            classes = read_classes(classes)
        if _check_partial_fit_first_call(self, classes):
            return announced_targets(self.classes_, y)
        return self._targets

    def _weigh(
        self,
        targets: Targets,
        codes: Codes,
        sample_weight: NDArray[np.float64] | None,
        communicator: Communicator,
    ) -> tuple[Targets, NDArray[np.float64] | None]:
        assert isinstance(targets, ClassificationTargets)
        counts = total(communicator, targets.weighted_counts(codes, sample_weight))
        return targets.weigh(self.class_weight, codes, sample_weight, counts)

    def _build_onnx(self, model: Model) -> ModelProto:
        return build_onnx(
            model.predictor,
            model.calibration,
            self.classes_,
            one_of_all=self._targets.one_of_all,
        )

    def _set_target_attributes(self, targets: Targets) -> None:
        assert isinstance(targets, ClassificationTargets)
        self.classes_ = targets.classes

    def _keep(self, result: FitResult) -> None:
        super()._keep(result)
        share, has_encoder = result.vector_share, self.text_encoder is not None
        self.text_encoder_weight_ = share if has_encoder else None
        # Once vectors of words are added they stay, whatever comes later.
        earlier = getattr(self, "embedding_init_weight_", None)
        is_of_words = share is not None and not has_encoder
        self.embedding_init_weight_ = share if is_of_words else earlier
        self.inverse_temperature_ = result.model.calibration.inverse_temperature


# Pickles and skops name the public place, and no private one.
EmbeddingBagClassifier.__module__ = "skbag"
