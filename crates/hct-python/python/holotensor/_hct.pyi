from typing import Any, Callable

__version__: str

_Infos = list[tuple[str, str, list[int]]]
_Progress = Callable[[int, int, str], Any] | None

class File:
    @staticmethod
    def open(path: str, base: list[str] = ..., fragments: int | None = None) -> File: ...
    @staticmethod
    def from_bytes(data: bytes, base: list[str] = ..., fragments: int | None = None) -> File: ...
    def tensors(self) -> list[tuple[str, str, list[int]]]: ...
    def metadata(self) -> list[tuple[str, str]]: ...
    def side_files(self) -> list[str]: ...
    def side_file(self, path: str) -> bytes | None: ...
    def byte_len(self, name: str, rows: tuple[int, int] | None = None) -> int: ...
    def decode(self, name: str, rows: tuple[int, int] | None = None) -> bytearray: ...
    def decode_at(self, name: str, rows: tuple[int, int] | None, address: int, size: int) -> None: ...
    def read_bytes(self) -> int: ...
    def file_bytes(self) -> int: ...

def save(
    tensors: _Infos,
    read: Callable[[str], bytes],
    metadata: list[tuple[str, str]],
    spec: str,
    threads: int | None = None,
    progress: _Progress = None,
) -> bytes: ...
def save_file(
    tensors: _Infos,
    read: Callable[[str], bytes],
    metadata: list[tuple[str, str]],
    spec: str,
    path: str,
    overwrite: bool,
    threads: int | None = None,
    progress: _Progress = None,
) -> int: ...
def bits_per_weight_for(src: str, size: int) -> float: ...
def compress(
    src: str,
    dst: str,
    spec: str,
    calibration: str | None,
    plan: str | None,
    base: list[str],
    base_map: str | None,
    base_hint: str | None,
    dequantize: str | None,
    part: str | None,
    side_files: bool,
    verify: bool | None,
    hashes: bool | None,
    resume: bool,
    overwrite: bool,
    threads: int | None,
    progress: _Progress,
) -> str: ...
def decompress(
    src: str,
    dst: str,
    base: list[str],
    fragments: int | None,
    keep_going: bool,
    overwrite: bool,
    threads: int | None,
    progress: _Progress,
) -> tuple[int, str]: ...
def recover(
    path: str, output: str, overwrite: bool, threads: int | None, progress: _Progress
) -> str: ...
def set_max_memory(size: int | None) -> None: ...
def merge(
    parts: list[str], dst: str, overwrite: bool, threads: int | None, progress: _Progress
) -> str: ...
def verify(path: str, base: list[str], deep: bool, threads: int | None, progress: _Progress) -> str: ...
def info(path: str) -> str: ...
def diff(
    a: str, b: str, base: list[str], threads: int | None, progress: _Progress
) -> str: ...
def export(
    src: str,
    dst: str,
    kind: str,
    name: str,
    tokenizer_pre: str | None,
    base: list[str],
    overwrite: bool,
    threads: int | None,
    progress: _Progress,
) -> str: ...
def extract(
    path: str,
    tensor: str,
    output: str,
    rows: tuple[int, int] | None,
    base: list[str],
    fragments: int | None,
    overwrite: bool,
) -> str: ...
