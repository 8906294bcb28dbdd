"""Real work for an interpreter: json, re, hashlib, big integers, sorting, files, exceptions."""
import hashlib
import json
import math
import os
import re
import sys
import zlib
from collections import Counter, defaultdict
from decimal import Decimal, getcontext

text = open("/in/text.txt", encoding="utf-8").read()
words = re.findall(r"[^\W\d_]+", text.lower())
print("words", len(words), "different", len(set(words)))
print("most frequent", Counter(words).most_common(8))
print("pairs", sorted(Counter(zip(words, words[1:])).items(), key=lambda p: (-p[1], p[0]))[:4])

document = {"words": Counter(words), "nested": [[i, {"square": i * i, "root": math.sqrt(i)}] for i in range(2000)]}
encoded = json.dumps(document, sort_keys=True, indent=1)
assert json.loads(encoded) == json.loads(json.dumps(json.loads(encoded)))
print("json", len(encoded), hashlib.sha256(encoded.encode()).hexdigest())

for name in ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b"):
    h = hashlib.new(name)
    for i in range(200):
        h.update(text.encode() + bytes([i & 255]))
    print(name, h.hexdigest())

packed = zlib.compress(encoded.encode(), 9)
print("zlib", zlib.crc32(zlib.decompress(packed)) == zlib.crc32(encoded.encode()))

getcontext().prec = 60
print("e", sum(Decimal(1) / math.factorial(i) for i in range(50)))
print("fibonacci", hash(pow(3, 20000, 2**521 - 1)) % 10**9, len(str(math.factorial(1000))))

sieve = bytearray([1]) * 200000
for i in range(2, 448):
    if sieve[i]:
        sieve[i * i :: i] = bytes(len(sieve[i * i :: i]))
print("primes", sum(sieve) - 2)

tree = defaultdict(list)
for directory, names, files in sorted(os.walk("/in")):
    names.sort()
    tree[directory] += sorted(files)
print("tree", json.dumps(tree, sort_keys=True))

with open("/out/result.json", "w", encoding="utf-8") as f:
    json.dump({"lines": text.count("\n")}, f)
os.rename("/out/result.json", "/out/renamed.json")
print("written", os.listdir("/out"), os.stat("/out/renamed.json").st_size)
for path in ("/in/../../etc/passwd", "/etc/passwd"):
    try:
        open(path)
        print("read", path)
    except OSError as error:
        print("refused", path)
sys.exit(7)
