"""What the default tokens are, in every place that finds them, by every rule."""

import copy
import hashlib
import pickle
import re
import unicodedata
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

import skbag
from skbag import EmbeddingBagClassifier
from skbag._text import token_rules
from skbag._text.compact_encoders import CompactVocabularyEncoder
from skbag._text.features import name_of_skip_pair, short_text_features, skip_pairs
from skbag._text.hashed_encoder import HashedEncoder
from skbag._text.plain_encoder import PlainEncoder
from skbag._text.token_rules import (
    CHARACTER,
    DEFAULT_PATTERN,
    DEFAULT_TOKENS,
    RULES,
    DefaultTokens,
    rule_of_pattern,
    rule_of_version,
)
from skbag._text.vocabulary_encoder import VocabularyEncoder

FIRST_PATTERN = r"(?u)\w+|[^\w\s]"

TEXTS = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=()), max_size=30),
        st.text("aé .中の\u0e01\u0e34\u3099\u0301\u0947\ufe0f\u200d❤İ", max_size=30),
    ),
    max_size=4,
)
OPTIONS = st.fixed_dictionaries(
    {
        "lowercase": st.booleans(),
        "ngram_range": st.sampled_from([(1, 1), (1, 2), (2, 2), (1, 3), (3, 4)]),
        "short_text_features": st.booleans(),
        "subword_ngram_range": st.sampled_from([None, (2, 3)]),
    }
)

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda x: f"rule {x.version}")


# -- the rules -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("हिन्दी में", "ह ि न ् द ी म े ं", "हिन्दी में"),
        ("cafe\u0301!", "cafe \u0301 !", "cafe\u0301 !"),
        ("مُحَمَّد", None, "مُحَمَّد"),
        ("שָׁלוֹם", None, "שָׁלוֹם"),
        ("می\u200cخواهم", "می \u200c خواهم", "می\u200cخواهم"),
        ("我们去北京。", "我们去北京 。", "我 们 去 北 京 。"),
        ("東京タワーへ", "東京タワーへ", "東 京 タ ワ ー へ"),
        ("か\u3099く", "か \u3099 く", "か\u3099 く"),
        ("ที่นี่", None, "ที่ นี่"),
        ("ພາສາ", None, "ພ າ ສ າ"),
        ("한국어 문장", "한국어 문장", "한국어 문장"),
        ("iPhone手机v2", "iPhone手机v2", "iPhone 手 机 v2"),
        ("\u0301a \ufe0f", "\u0301 a \ufe0f", "\u0301 a \ufe0f"),
        ("❤\ufe0f\u200d🔥", "❤ \ufe0f \u200d 🔥", "❤ \ufe0f \u200d 🔥"),
        ("1\ufe0f\u20e3", "1 \ufe0f \u20e3", "1\ufe0f\u20e3"),
        ("snake_case 3.14", "snake_case 3 . 14", "snake_case 3 . 14"),
    ],
)
def test_tokens_of_each_rule(text, first, second):
    if first is not None:
        assert RULES[0].tokens(text) == first.split(" ")
    assert RULES[1].tokens(text) == second.split(" ")


def test_rules_stay_what_they_are():
    """Models name them: what is to be another rule needs another version."""
    digests = [hashlib.sha256(rule.pattern.encode()).hexdigest()[:16] for rule in RULES]
    assert [
        (rule.version, digest) for rule, digest in zip(RULES, digests, strict=True)
    ] == [
        (1, hashlib.sha256(FIRST_PATTERN.encode()).hexdigest()[:16]),
        (2, "162bae18934d7a07"),
    ]


def test_marks_are_those_of_unicode():
    """As far as this Python knows the code points."""
    marks = {i for first, last in RULES[1].marks for i in range(first, last + 1)}
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        if code in marks and category != "Cn":
            assert category in ("Mn", "Mc", "Me") or code in (0x200C, 0x200D)
            assert not re.match(r"[\w\s]", chr(code))
        elif unicodedata.ucd_3_2_0.category(chr(code)) in ("Mn", "Mc", "Me"):
            # An old version of Unicode, which any Python has.
            assert category not in ("Mn", "Mc", "Me")


def test_where_all_rules_are_alike():
    codes = np.arange(0x110000, dtype=np.uint32)
    one, two = (rule.classes(codes) for rule in RULES)
    differ = codes[one != two].tolist()
    assert len(differ) > 100_000
    assert all(token_rules._may_differ(chr(code)) for code in differ)
    assert not token_rules._may_differ("Ünï ÿ Ω Я ’ — € ™ ⚓ 한 🔥 🏽")


@pytest.mark.parametrize(
    ("name", "is_character"),
    [
        ("CJK UNIFIED IDEOGRAPH-5317", True),
        ("CJK UNIFIED IDEOGRAPH-20000", True),
        ("HIRAGANA LETTER KA", True),
        ("KATAKANA LETTER KA", True),
        ("HALFWIDTH KATAKANA LETTER KA", True),
        ("KATAKANA-HIRAGANA PROLONGED SOUND MARK", True),
        ("THAI CHARACTER KO KAI", True),
        ("LAO LETTER KO", True),
        ("KHMER LETTER KA", True),
        ("MYANMAR LETTER KA", True),
        ("HANGUL SYLLABLE HAN", False),
        ("KATAKANA MIDDLE DOT", False),
        ("IDEOGRAPHIC FULL STOP", False),
        ("THAI DIGIT ONE", False),
        ("DEVANAGARI LETTER KA", False),
        ("LATIN SMALL LETTER A", False),
    ],
)
def test_scripts_without_spaces(name, is_character):
    code_points = np.array([ord(unicodedata.lookup(name))], dtype=np.uint32)
    (found,) = RULES[1].classes(code_points).tolist()
    assert (found == CHARACTER) == is_character


# -- one rule in every place -----------------------------------------------------------


def names_by_text(encoder, texts, encode):
    """Counts of each text as a dict from name to count."""
    names = encoder.names()
    found = []
    for text in texts:
        bags = encode(text)
        found.append(
            {names[i]: int(w) for i, w in zip(bags.ids, bags.weights, strict=True)}
        )
    return found


@settings(deadline=None, max_examples=60)
@given(TEXTS, TEXTS, OPTIONS, st.sampled_from(RULES))
def test_every_way_to_find_tokens_is_the_same(learnt, texts, options, rule):
    fast = VocabularyEncoder(tokens=rule, **options)
    plain = PlainEncoder(token_pattern=rule.pattern, **options)
    for encoder in (fast, plain):
        encoder.learn(learnt)
    texts = texts + learnt
    expected = names_by_text(plain, texts, lambda text: plain.encode([text]))
    assert names_by_text(fast, texts, lambda text: fast.encode([text])) == expected
    together = fast.encode(texts)
    for row, text in enumerate(texts):
        alone = fast.encode([text])
        assert alone.ids.tolist() == together.slice(row, row + 1).ids.tolist()
    for text, counts in zip(texts, expected, strict=True):
        found = [occurrence for _, occurrence in fast.occurrences(text)]
        assert Counter(each.name for each in found) == counts
        for each in found:
            assert each.spans is not None


@settings(deadline=None, max_examples=60)
@given(TEXTS, TEXTS, OPTIONS, st.sampled_from(RULES))
def test_buckets_are_the_same_is_native_and_one_by_one(learnt, texts, options, rule):
    arrays, plain = (
        HashedEncoder(2**16, default_tokens=fast, token_pattern=rule.pattern, **options)
        for fast in (True, False)
    )
    for encoder in (arrays, plain):
        encoder.learn(learnt)
    for some in (texts + learnt, *([text] for text in texts)):
        one, other = arrays.encode(some), plain.encode(some)
        assert one.ids.tolist() == other.ids.tolist()
        assert one.weights.tolist() == other.weights.tolist()


def test_explanations_tint_whole_words():
    texts = ["हिन्दी में रसोई", "cafe\u0301 今天"] * 20
    clf = EmbeddingBagClassifier(random_state=0).fit(texts, [0, 1] * 20)
    for text, words in (
        (texts[0], ["हिन्दी", "में", "रसोई"]),
        (texts[1], ["cafe\u0301", "今", "天"]),
    ):
        html = clf.explain([text])._repr_html_()
        for word in words:
            assert f">{word}</span>" in html


# -- the parameter ---------------------------------------------------------------------


def test_default_is_the_newest_rule_and_takes_the_fast_path():
    assert EmbeddingBagClassifier().token_pattern == DEFAULT_PATTERN
    assert RULES[-1] is DEFAULT_TOKENS
    clf = EmbeddingBagClassifier(random_state=0).fit(
        ["x नदी", "y 海"] * 10, [0, 1] * 10
    )
    encoder = clf._model.featurizer.encoder
    assert isinstance(encoder, VocabularyEncoder)
    assert encoder.options.tokens is DEFAULT_TOKENS


@pytest.mark.parametrize("n_buckets", [None, 2**12])
def test_another_default_reaches_every_path(monkeypatch, n_buckets):
    """A default that changes in one place alone must not leave a path behind."""
    rule = DefaultTokens(3, r"(?u)[^\W\d_]+|[^\w\s]")
    monkeypatch.setattr("skbag._estimator.parameters.DEFAULT_TOKENS", rule)
    texts, labels = ["a 1 b_c", "d 2 e"] * 10, [0, 1] * 10
    new = ["a1 b2", "b_c"]
    parameters = {"random_state": 0, "n_buckets": n_buckets, "ngram_range": (1, 2)}
    parameters["short_text_features"] = False
    default = EmbeddingBagClassifier(**parameters).fit(texts, labels)
    own = EmbeddingBagClassifier(token_pattern=rule.pattern, **parameters)
    own.fit(texts, labels)
    np.testing.assert_array_equal(
        default.decision_function(new), own.decision_function(new)
    )


def test_the_first_pattern_is_the_first_rule_as_fast_as_before():
    assert rule_of_pattern(FIRST_PATTERN) is RULES[0]
    texts, labels = ["हिन्दी a", "海上 b"] * 10, [0, 1] * 10
    clf = EmbeddingBagClassifier(token_pattern=FIRST_PATTERN, random_state=0)
    clf.fit(texts, labels)
    encoder = clf._model.featurizer.encoder
    assert isinstance(encoder, VocabularyEncoder)
    assert encoder.options.tokens is RULES[0]
    assert {"ह", "ि", "海上"} <= clf.vocabulary_.keys()
    # A pattern of the user's has no rule, even one that finds the same tokens.
    assert rule_of_pattern(r"\w+|[^\w\s]") is None


def test_both_rules_give_the_same_model_of_texts_that_they_read_alike(corpus):
    one, two = (
        EmbeddingBagClassifier(token_pattern=rule, random_state=0).fit(*corpus)
        for rule in (FIRST_PATTERN, DEFAULT_PATTERN)
    )
    assert one.vocabulary_ == two.vocabulary_
    assert one.coef_.tobytes() == two.coef_.tobytes()


# -- models that are kept --------------------------------------------------------------


def as_before_the_second_rule(encoder):
    """State of an encoder as it was written when there was one rule."""
    state = encoder.__getstate__()
    del state["token_rule"]
    return state


def rule_of(encoder):
    by_hashes = isinstance(encoder, HashedEncoder)
    return encoder._tokens if by_hashes else encoder.options.tokens


def parameters_of(encoder):
    is_plain = isinstance(encoder, PlainEncoder)
    return encoder.analysis.parameters if is_plain else encoder._parameters


def read(state, kind=VocabularyEncoder):
    encoder = kind.__new__(kind)
    encoder.__setstate__(state)
    return encoder


def test_encoders_without_a_rule_keep_the_first():
    old = VocabularyEncoder(tokens=RULES[0])
    old.learn(["हिन्दी में"])
    encoder = read(as_before_the_second_rule(old))
    assert encoder.options.tokens is RULES[0]
    assert encoder.names() == "ह ि न ् द ी म े ं".split()
    # It goes on, is pruned, copied, saved and made compact by its own rule.
    encoder.learn(["今天"])
    assert "今天" in encoder.names()
    ids = np.arange(encoder.n_ids, dtype=np.int32)
    compact, _ = CompactVocabularyEncoder.compact(encoder, ids)
    for each in (
        encoder.select(ids[::-1]),
        copy.deepcopy(encoder),
        pickle.loads(pickle.dumps(encoder)),
        compact,
        pickle.loads(pickle.dumps(compact)),
        read(as_before_the_second_rule(compact), CompactVocabularyEncoder),
    ):
        assert each.options.tokens is RULES[0]
        assert len(each.encode(["हि今天"]).ids) == 3


@each_rule
def test_a_saved_model_keeps_its_rule(rule, tmp_path):
    texts, labels = ["हिन्दी में a", "今天 b"] * 10, [0, 1] * 10
    for n_buckets in (None, 2**12):
        clf = EmbeddingBagClassifier(
            token_pattern=rule.pattern, n_buckets=n_buckets, random_state=0
        )
        clf.fit(texts, labels)
        skbag.save(clf, tmp_path / "model")
        loaded = skbag.load(tmp_path / "model")
        loaded.set_params(token_pattern=DEFAULT_PATTERN)
        again = pickle.loads(pickle.dumps(loaded))
        again.partial_fit(texts, labels)
        skbag.save(again, tmp_path / "model")
        for model in (loaded, again, skbag.load(tmp_path / "model")):
            assert rule_of(model._model.featurizer.encoder) is rule
        new = ["हिन्दी 今", "नदी"]
        np.testing.assert_array_equal(clf.predict_proba(new), loaded.predict_proba(new))


@pytest.mark.parametrize("own", [r"\w+", None, FIRST_PATTERN, DEFAULT_TOKENS.pattern])
@pytest.mark.parametrize("kind", [PlainEncoder, HashedEncoder])
def test_state_names_the_rule_instead_of_its_pattern(kind, own):
    size = {"n_buckets": 64} if kind is HashedEncoder else {}
    encoder = kind(**size, token_pattern=own, tokenizer=None if own else str.split)
    state = encoder.__getstate__()
    assert len(str(state["parameters"])) < 400
    assert parameters_of(read(state, kind)) == parameters_of(encoder)
    # As it was written when there was one rule.
    old = {**state, "parameters": dict(parameters_of(encoder))}
    old.pop("token_rule", None)
    assert parameters_of(read(old, kind)) == parameters_of(encoder)
    with pytest.raises(ValueError, match="there is no token rule 99"):
        read({**state, "token_rule": 99}, kind)


@pytest.mark.parametrize("version", [0, 3, True, "2", None, 10**400])
def test_a_rule_that_is_not_there_is_refused(version):
    with pytest.raises(ValueError, match="there is no token rule"):
        rule_of_version(version)
    state = VocabularyEncoder().__getstate__()
    with pytest.raises(ValueError, match="there is no token rule"):
        read({**state, "token_rule": version})


def test_a_hashed_encoder_of_default_tokens_needs_the_pattern_of_a_rule():
    with pytest.raises(ValueError, match="is not that of a token rule"):
        HashedEncoder(64, default_tokens=True, token_pattern=r"\w+")
    encoder = HashedEncoder(64, default_tokens=True, token_pattern=FIRST_PATTERN)
    state = encoder.__getstate__()
    state["parameters"]["token_pattern"] = r"\w+"
    del state["token_rule"]
    with pytest.raises(ValueError, match="is not that of a token rule"):
        read(state, HashedEncoder)


# -- accuracy --------------------------------------------------------------------------

WITHOUT_SPACES = {
    "Chinese": (
        [
            "比赛 球队 进球 冠军 教练",
            "股票 银行 利率 市场 投资",
            "手机 芯片 软件 网络 数据",
        ],
        "今天 我们 看到 很多 新的 一个 关于 消息",
    ),
    "Japanese": (
        [
            "試合 チーム ゴール 優勝 監督",
            "株式 銀行 金利 マーケット 投資",
            "スマホ 半導体 ソフト ネット データ",
        ],
        "今日 わたしたち は を 見た たくさん 新しい について",
    ),
    "Thai": (
        [
            "ฟุตบอล นักเตะ ประตู แชมป์ โค้ช",
            "หุ้น ธนาคาร ดอกเบี้ย ตลาด ลงทุน",
            "มือถือ ชิป โปรแกรม เครือข่าย ข้อมูล",
        ],
        "วันนี้ เรา เห็น มากมาย ใหม่ หนึ่ง เกี่ยวกับ ข่าว",
    ),
    "Khmer": (
        ["បាល់ទាត់ កីឡាករ ជើងឯក", "ធនាគារ ភាគហ៊ុន ការប្រាក់", "ទូរស័ព្ទ កម្មវិធី បណ្តាញ"],
        "ថ្ងៃនេះ យើង ឃើញ ច្រើន ថ្មី មួយ អំពី ដំណឹង",
    ),
}


def sentences(language, n, seed):
    """Two words of a subject among four that are of none, without spaces."""
    rng = np.random.default_rng(seed)
    subjects, fillers = WITHOUT_SPACES[language]
    labels = (np.arange(n) % 3).tolist()
    texts = []
    for label in labels:
        words = [
            *rng.choice(subjects[label].split(), 2, replace=False),
            *rng.choice(fillers.split(), 4, replace=False),
        ]
        texts.append("".join(rng.permutation(words)))
    return texts, labels


@pytest.mark.parametrize("language", WITHOUT_SPACES)
def test_scripts_without_spaces_are_as_good_as_by_characters(language):
    X, y = sentences(language, 300, seed=1)
    X_new, y_new = sentences(language, 150, seed=2)
    ours = EmbeddingBagClassifier(random_state=0).fit(X, y).score(X_new, y_new)
    peer = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3)), LinearSVC()
    )
    assert ours >= peer.fit(X, y).score(X_new, y_new) - 0.05


# -- the rule of short-text features ---------------------------------------------------

OTHER = replace(
    DEFAULT_TOKENS,
    version=3,
    prefix_lengths=(2,),
    suffix_lengths=(2, 4),
    skip_distances=(3,),
)


def features_of(rule, text, **options):
    """Names of the short-text features of a text, as plainly as can be."""
    tokens = rule.tokens(text)
    roles = [role.name_of(string) for role, string in short_text_features(tokens, rule)]
    pairs = [name_of_skip_pair(*pair) for pair in skip_pairs(tokens, rule)]
    return {*tokens, *roles, *pairs}


@pytest.mark.parametrize("rule", [*RULES, OTHER], ids=lambda rule: rule.version)
@pytest.mark.parametrize("is_native", [True, False])
def test_every_encoder_takes_the_lengths_from_the_rule(rule, is_native):
    text = "some rather longer words, four of them"
    kind = VocabularyEncoder if is_native else PlainEncoder
    options = {} if is_native else {"token_pattern": rule.pattern}
    encoder = kind(short_text_features=True, tokens=rule, **options)
    counts = encoder.learn([text])
    assert set(encoder.names()) == features_of(rule, text)
    encoded = encoder.encode([text])
    assert dict(zip(encoded.ids.tolist(), encoded.weights.tolist(), strict=True)) == (
        dict(zip(counts.ids.tolist(), counts.weights.tolist(), strict=True))
    )
    found = {occurrence.name for _, occurrence in encoder.occurrences(text)}
    assert found == features_of(rule, text)


def test_buckets_take_the_lengths_from_the_rule():
    text = "some rather longer words, four of them"
    for is_native in (True, False):
        encoder = HashedEncoder(
            2**20,
            default_tokens=is_native,
            token_pattern=RULES[1].pattern,
            short_text_features=True,
            tokens=OTHER,
        )
        encoder.learn([text])
        names = {occurrence.name for _, occurrence in encoder.occurrences(text)}
        assert names == features_of(OTHER, text)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"token_pattern": r"\w+", "short_text_features": True},
        {"n_buckets": 2**14},
        {"n_buckets": 2**14, "token_pattern": r"\w+", "short_text_features": True},
    ],
    ids=str,
)
def test_a_saved_model_keeps_its_lengths_when_the_rule_changes(
    parameters, monkeypatch, corpus, new_corpus, tmp_path
):
    """A file of before must not be read by the rule of today."""
    clf = EmbeddingBagClassifier(random_state=0, **parameters).fit(*corpus)
    expected = clf.decision_function(new_corpus.texts)
    skbag.save(clf, tmp_path / "model.safetensors")
    small = pickle.dumps(clf.compress())
    of_small = clf.compress().decision_function(new_corpus.texts)
    for module in ("token_rules", "features", "text_options", "plain_encoder",
                   "hashed_encoder", "vocabulary_encoder"):  # fmt: skip
        monkeypatch.setattr(f"skbag._text.{module}.DEFAULT_TOKENS", OTHER)
    monkeypatch.setattr("skbag._text.token_rules.RULES", (*RULES, OTHER))
    monkeypatch.setattr("skbag._estimator.parameters.DEFAULT_TOKENS", OTHER)
    loaded = skbag.load(tmp_path / "model.safetensors")
    assert_array_equal(loaded.decision_function(new_corpus.texts), expected)
    again = pickle.loads(small)
    assert_array_equal(again.decision_function(new_corpus.texts), of_small)
    newer = EmbeddingBagClassifier(random_state=0, **parameters).fit(*corpus)
    assert not np.array_equal(newer.decision_function(new_corpus.texts), expected)
