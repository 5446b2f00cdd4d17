"""``make bench``: every benchmark in turn.

python -m benchmarks [--estates 1200 --companies 563]
"""

from benchmarks import district, intake

intake.main([], standalone_mode=False)
district.main()
