"""``make bench``: every benchmark in turn.

python -m benchmarks [--estates 1200 --companies 563]
"""

import sys

from benchmarks import district, draws, intake

missed = draws.main([])
intake.main([], standalone_mode=False)
district.main(standalone_mode=False)
sys.exit(missed)
