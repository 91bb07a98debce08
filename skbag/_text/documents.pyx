"""Texts for native kernels: the memory of Python strings, and scratch space."""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t, uint32_t, uint8_t
from libc.stdlib cimport calloc, free

import numpy as np

from skbag._core.threads import Cancelled

from skbag._core.buffers cimport push_int64, release, reserve
from skbag._core.prefetch cimport prefetch
from skbag._text.scanner cimport (
    CHARACTER,
    MARK,
    N_CODE_POINTS,
    WORD,
    Rule,
    Text,
    Token,
    class_of,
    has_special_case,
    scan,
)


cdef enum:
    AHEAD = 8


cdef extern from "Python.h":
    void* PyTuple_GET_ITEM(object, Py_ssize_t)
    int PyUnicode_READY(object) except -1
    int PyUnicode_IS_ASCII(object)
    int PyUnicode_KIND(object)
    void* PyUnicode_DATA(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)


# Of the texts of a block: what is made of them stays in the cache.
cdef int64_t BLOCK_CHARACTERS = 1 << 16


cdef class TokenClasses:
    """Classes of characters by a `DefaultTokens`, for `scanner`.

    Parameters
    ----------
    marks, characters : tuple of (first, last)
        Code points of the classes MARK and CHARACTER.
    """

    def __init__(self, marks, characters):
        ranges = sorted(
            [(*bounds, MARK) for bounds in marks]
            + [(*bounds, CHARACTER) for bounds in characters]
        )
        bounds = np.array([r[:2] for r in ranges], dtype=np.uint32).ravel()
        classes = np.array([r[2] for r in ranges], dtype=np.uint8)
        # One more, so that there is a first to point to.
        self._bounds = np.append(bounds, np.uint32(0))
        self._range_classes = np.append(classes, np.uint8(0))
        cdef const uint32_t[::1] bounds_view = self._bounds
        cdef const uint8_t[::1] classes_view = self._range_classes
        cdef int code
        self.rule.n_ranges = len(ranges)
        self.rule.bounds = &bounds_view[0]
        self.rule.range_classes = &classes_view[0]
        free(self.rule.classes)
        self.rule.classes = <uint8_t*> calloc(N_CODE_POINTS, 1)
        if self.rule.classes == NULL:
            raise MemoryError("no memory for the classes of characters")
        for code in range(128):
            if class_of(&self.rule, code) == WORD:
                self.rule.kept[code] = code
                self.rule.lowered[code] = code + 32 if 65 <= code <= 90 else code

    def __dealloc__(self):
        free(self.rule.classes)

    def class_of(self, uint32_t code):
        """Class of a code point."""
        return class_of(&self.rule, code)


cdef class Documents:
    """Some documents, handed out block by block.

    Parameters
    ----------
    documents : tuple of str
    lowercase : bool
    replace : callable or None
        Gives what to read, as it is, in place of a document that is not in ASCII.
    cancel : buffer of one byte
        Another thread sets it to have the work ended by `Cancelled`.
    """

    def __init__(self, tuple documents, bint lowercase, object replace, cancel):
        self._documents = documents
        self._lowercase = lowercase
        self._replace = replace
        self._cancel = cancel
        self.n_documents = len(documents)

    def __dealloc__(self):
        release(&self.texts)

    cdef int64_t read_block(self) except -1:
        """Take the next documents; their number, 0 at the end."""
        cdef int64_t n_characters = 0
        cdef Text* text
        cdef object document
        self.check()
        self._replaced = []
        self.texts.size = 0
        while self.next < self.n_documents and n_characters < BLOCK_CHARACTERS:
            if self.next + AHEAD < self.n_documents:
                # Texts lie anywhere in memory.
                prefetch(PyTuple_GET_ITEM(self._documents, self.next + AHEAD))
            document = self._documents[self.next]
            if not isinstance(document, str):
                raise TypeError(
                    f"document {self.next} is of type {type(document).__name__}, "
                    "expected a str"
                )
            PyUnicode_READY(document)
            reserve(&self.texts, sizeof(Text))
            text = <Text*> (self.texts.data + self.texts.size)
            point_at(text, document, self._lowercase)
            if text.kind and self._replace is not None:
                document = self._replace(document)
                if not isinstance(document, str):
                    raise TypeError(
                        f"document {self.next} was replaced by one of type "
                        f"{type(document).__name__}, expected a str"
                    )
                PyUnicode_READY(document)
                self._replaced.append(document)
                point_at(text, document, False)
            elif self._lowercase and has_special_case(text):
                # That of `str` itself, of subclasses as well.
                document = str.lower(document)
                self._replaced.append(document)
                point_at(text, document, False)
            self.texts.size += sizeof(Text)
            # Each document counts, so that many empty ones end a block as well.
            n_characters += text.length + 1
            self.next += 1
        return self.texts.size // <int64_t> sizeof(Text)

    cdef int check(self) except -1:
        """Raise where the work is to end."""
        if self._cancel[0]:
            raise Cancelled("ended by another thread")
        PyErr_CheckSignals()
        return 0


cdef void point_at(Text* text, object document, bint lowercase) noexcept:
    text.data = PyUnicode_DATA(document)
    text.length = PyUnicode_GET_LENGTH(document)
    text.kind = 0 if PyUnicode_IS_ASCII(document) else PyUnicode_KIND(document)
    text.lowercase = lowercase


cdef int scan_block(
    TokenClasses classes, Documents documents, int64_t n_texts, Block* block
) except -1:
    """Find the tokens of the texts of a block."""
    cdef int64_t i
    cdef const Text* texts = <const Text*> documents.texts.data
    cdef const Rule* rule = &classes.rule
    block.bytes.size = block.tokens.size = block.keys.size = block.ends.size = 0
    with nogil:
        for i in range(n_texts):
            scan(rule, &texts[i], &block.bytes, &block.tokens)
            push_int64(&block.ends, block.tokens.size // <int64_t> sizeof(Token))
    return 0


cdef void free_block(Block* block) noexcept nogil:
    release(&block.bytes)
    release(&block.tokens)
    release(&block.keys)
    release(&block.ends)
