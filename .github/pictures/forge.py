#!/usr/bin/env python3
"""Forges a receipt: changes its last token and seals it again.

    forge.py RECEIPT FORGERY

The digest of a forgery fits its content, as anybody can compute it: SHA-256 of the RFC 8785 form.
`bitreceipt verify-receipt` has to find out by itself what is wrong.
"""

import hashlib
import json
import sys


def number(text):
    """RFC 8785 prints a whole number without a point."""
    value = float(text)
    return int(value) if value.is_integer() else value


def seal(receipt):
    receipt.pop("receipt_sha256", None)
    canonical = json.dumps(receipt, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    receipt["receipt_sha256"] = hashlib.sha256(canonical.encode()).hexdigest()


def main():
    source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        receipt = json.load(file, parse_float=number)
    receipt["tokens"][-1] ^= 1
    seal(receipt)
    with open(target, "w", encoding="utf-8") as file:
        json.dump(receipt, file, indent=2)


if __name__ == "__main__":
    main()
