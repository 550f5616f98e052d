"""Cuts calibration.txt and evaluation.txt out of the Debian package debian-handbook.

    apt-get download debian-handbook=11.20220922
    dpkg-deb -x debian-handbook_11.20220922_all.deb handbook
    python3 handbook.py handbook

Only the standard library is used. README.md says what the rules are for.
"""

import html.parser
import pathlib
import re
import sys

# Chapters of their own on each side, so that calibrating never sees what is evaluated on.
EVALUATION = """
foreword preface sect.who-is-this-book-for sect.selected-approach sect.book-structure
the-debian-project sect.foundation-documents sect.debian-internals sect.follow-debian-news
sect.role-of-distributions sect.release-lifecycle
security sect.other-security-considerations sect.dealing-with-compromised-machine
""".split()
CALIBRATION = """
case-study sect.master-plan sect.why-gnu-linux sect.why-debian sect.why-debian-stable
existing-setup sect.coexistence-with-other-packaging-systems sect.how-to-migrate
short-remedial-course sect.computer-layers
""".split()

VOID = {"br", "hr", "img", "input", "link", "meta"}
# What ends the prose of a paragraph that has it inside.
BLOCKS = {"pre", "table", "ul", "ol", "dl", "div"}


class Paragraphs(html.parser.HTMLParser):
    """Collects the text of every <div class="para">, and what else is in it."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.stack, self.open, self.done = [], [], []

    def handle_starttag(self, tag, attrs):
        if tag in VOID:
            return
        is_para = tag == "div" and "para" in (dict(attrs).get("class") or "").split()
        if self.open and tag in BLOCKS:
            self.open[-1]["plain"] = False
        if is_para:
            in_list = any(above in ("ul", "ol", "dl", "table") for above in self.stack)
            para = {"depth": len(self.stack), "text": "", "code": 0, "plain": not in_list}
            self.open.append(para)
            self.done.append(para)
        self.stack.append(tag)

    def handle_endtag(self, tag):
        while self.stack:
            ended = self.stack.pop()
            if self.open and self.open[-1]["depth"] == len(self.stack):
                self.open.pop()
            if ended == tag:
                break

    def handle_data(self, data):
        if self.open:
            self.open[-1]["text"] += data
            if "code" in self.stack[self.open[-1]["depth"] :]:
                self.open[-1]["code"] += len(data)


def prose(path):
    parser = Paragraphs()
    parser.feed(path.read_text(encoding="utf-8"))
    for para in parser.done:
        text = re.sub(r"\s+", " ", para["text"].replace("\u200b", "")).strip()
        if not para["plain"] or len(text) < 160 or para["code"] > 0.06 * len(text):
            continue
        if "→" in text or "http" in text or not re.search(r"[.!?…)”\"]$", text):
            continue
        if re.search(r"[<>|=$#{}\\]|/(etc|usr|var|bin)/|--", text):
            continue
        yield text


def main():
    pages = pathlib.Path(sys.argv[1]) / "usr/share/doc/debian-handbook/html/en-US"
    here = pathlib.Path(__file__).parent
    for name, sections in (("calibration", CALIBRATION), ("evaluation", EVALUATION)):
        text = "\n\n".join(para for s in sections for para in prose(pages / f"{s}.html"))
        (here / f"{name}.txt").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
