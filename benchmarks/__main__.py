"""``make bench``: every benchmark in turn.

    python -m benchmarks [--estates 1200 --companies 563]
"""

from benchmarks.district import main

main()
