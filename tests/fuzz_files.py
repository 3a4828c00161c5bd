"""Damaged files for the loaders: every byte, length, number and part of a good file may be changed.

What a checksum or a compression protects is changed inside, and wrapped up again, so that the
readers behind it are reached too.
"""

import gzip
import hashlib
import io
import json
import re
import struct
import zipfile

NUMBERS = [0, 1, 2, 7, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1]
TEXTS = [
    b"os\nsystem\n",
    b"builtins\neval\n",
    b"numpy\nload\n",
    b"|O",
    b">f8",
    b"<U9",
    b"True",
    b"(9999999999, 784)",
    b"-1",
    b"1e400",
    b"NaN",
    b"\x80\x05\x96",
    b"PK\x01\x02",
    b"\x1f\x8b\x08",
]

VALUES = [None, True, False, [], {}, [0], "", "x", "MT19937", "<f8", 0.5, 1e308, 10**40]
VALUES += [float("nan"), float("inf"), {"$array": 0}, {"$array": -1}, {"$array": 10**9}]


def position(raw, rng):
    """Return a place in the file, most often near the start or the end, where headers are."""
    span = min(len(raw), rng.choice([16, 64, 600, len(raw)]))
    at = rng.randrange(span) if span else 0
    return at if rng.random() < 0.7 else len(raw) - 1 - at


def set_byte(raw, at, rng):
    return raw[:at] + bytes([rng.randrange(256)]) + raw[at + 1 :]


def flip_bit(raw, at, rng):
    return raw[:at] + bytes([raw[at] ^ (1 << rng.randrange(8))]) + raw[at + 1 :]


def cut(raw, at, rng):
    return raw[:at]


def drop(raw, at, rng):
    return raw[:at] + raw[at + rng.choice([1, 2, 4, 8, 200]) :]


def repeat(raw, at, rng):
    part = raw[at : at + rng.choice([1, 4, 30, 400])]
    return raw[:at] + part * rng.choice([1, 2, 50]) + raw[at:]


def set_number(raw, at, rng):
    layout = rng.choice(["<B", ">H", "<H", ">I", "<I", "<Q", ">Q"])
    size = struct.calcsize(layout)
    number = rng.choice(NUMBERS) % 2 ** (8 * size)
    return raw[:at] + struct.pack(layout, number) + raw[at + size :]


def set_text(raw, at, rng):
    text = rng.choice(TEXTS)
    return raw[:at] + text + raw[at + rng.choice([0, len(text)]) :]


def set_decimal(raw, at, rng):
    """Change a number that is written out, such as a shape in the header of an array."""
    found = list(re.finditer(rb"\d+", raw[:2000]))
    if not found:
        return raw
    match = rng.choice(found)
    return raw[: match.start()] + str(rng.choice(NUMBERS)).encode() + raw[match.end() :]


def move(raw, at, rng):
    other = position(raw, rng)
    return raw[:at] + raw[other : other + rng.choice([1, 8, 60])] + raw[at:]


CHANGES = [set_byte, flip_bit, cut, drop, repeat, set_number, set_text, set_decimal, move]


def changed(raw, rng):
    """Return the bytes after one to three changes."""
    for _ in range(rng.randint(1, 3)):
        if raw:
            raw = rng.choice(CHANGES)(raw, position(raw, rng), rng)
    return raw


def changed_inside(raw, rng):
    """Return the file changed, half of the time behind its checksums, if it has any."""
    if rng.random() < 0.5:
        return changed(raw, rng)
    if raw[:2] == b"\x1f\x8b":
        return gzip.compress(changed(gzip.decompress(raw), rng), 1, mtime=0)
    if raw[:2] == b"PK":
        return changed_member(raw, rng)
    if raw[:8] == b"SKMLPCK\x01":
        return changed_checkpoint(raw, rng)
    return changed(raw, rng)


def changed_checkpoint(raw, rng):
    """Return the checkpoint changed, with a checksum that fits; mostly so does a length."""
    length = int.from_bytes(raw[40:48], "little")
    header, arrays = raw[48 : 48 + length], raw[48 + length :]
    what = rng.choice(["header"] * 6 + ["arrays"] * 2 + ["all"])
    if what == "header":
        header = changed_json(header, rng) if rng.random() < 0.8 else changed(header, rng)
    elif what == "arrays":
        arrays = changed(arrays, rng)
    rest = len(header).to_bytes(8, "little") + header + arrays
    if what == "all":
        rest = changed(rest, rng)
    return raw[:8] + hashlib.blake2b(rest, digest_size=32).digest() + rest


def changed_json(raw, rng):
    """Return the JSON with one of its values removed, replaced, doubled or nested."""
    tree = json.loads(raw)
    branch = tree
    while True:
        key = rng.choice(list(branch) if isinstance(branch, dict) else range(len(branch)))
        if not isinstance(branch[key], dict | list) or not branch[key] or rng.random() < 0.1:
            break
        branch = branch[key]
    what = rng.choice(["replace"] * 6 + ["remove", "nest", "double"])
    if what == "replace":
        branch[key] = rng.choice(VALUES + NUMBERS + [-n for n in NUMBERS])
    elif what == "remove":
        del branch[key]
    elif what == "nest":
        branch[key] = {"$array": branch[key]}
    elif isinstance(branch, dict):
        branch[f"{key}_"] = branch[key]
    else:
        branch.append(branch[key])
    return json.dumps(tree).encode()


def changed_member(raw, rng):
    """Return the archive with one of its members changed, removed, renamed or doubled."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    victim = rng.randrange(len(members))
    name, content = members[victim]
    what = rng.choice(["content"] * 6 + ["remove", "rename", "swap"])
    if what == "content":
        members[victim] = name, changed(content, rng)
    elif what == "remove":
        del members[victim]
    elif what == "rename":
        members[victim] = rng.choice(["../x", "x_val.npy", name.upper(), "x"]), content
    else:
        members[victim] = name, members[victim - 1][1]
    buffer = io.BytesIO()
    methods = [zipfile.ZIP_STORED] * 20 + [zipfile.ZIP_DEFLATED] * 20 + [zipfile.ZIP_LZMA]
    with zipfile.ZipFile(buffer, "w", rng.choice(methods), compresslevel=1) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()
