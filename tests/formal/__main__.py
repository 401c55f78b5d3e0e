"""`python -m tests.formal` proves every property and prints the results."""

import sys
import time

from .catalogue import properties

failed = 0
for claim in properties():
    began = time.monotonic()
    result = claim.prove()
    failed += not result.proved
    verdict = "proved" if result.proved else f"REFUTED: {result.why}"
    print(f"{claim!s:45} {verdict}  {time.monotonic() - began:.1f} s", flush=True)
sys.exit(failed > 0)
