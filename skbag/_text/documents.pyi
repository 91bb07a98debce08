from collections.abc import Callable

from skbag._text.token_rules import Ranges

class TokenClasses:
    def __init__(self, marks: Ranges, characters: Ranges) -> None: ...
    def class_of(self, code: int) -> int: ...

class Documents:
    def __init__(
        self,
        documents: tuple[str, ...],
        lowercase: bool,
        replace: Callable[[str], str] | None,
        cancel: bytes | bytearray,
    ) -> None: ...
