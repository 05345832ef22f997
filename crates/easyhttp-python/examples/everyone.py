"""Asks all devices that are found for their data, and shows who answers first.

    python everyone.py                 # everything that they have
    python everyone.py temperature     # this alone

It ends with 1 if one of them failed.
"""

import sys

from easyhttp_rs import EasyHTTP


def main() -> int:
    query = sys.argv[1] if len(sys.argv) > 1 else None
    failed = 0
    with EasyHTTP(port=None, config_file="everyone.json") as easy:
        for device_id, value, error in easy.fetch_each(query, timeout=2):
            print(f"{device_id}: {value if error is None else error}")
            failed += error is not None
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
