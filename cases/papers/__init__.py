"""Papers: letters, orders, decisions, the bulletin and scorecards as PDF, and workbooks for Excel.

Plain data in, bytes out: nothing here reads a store, decides a case or asks the clock. ``shapes`` says what each
paper must hold, ``press`` typesets it from the templates an office can edit (``templates/zh``, ``templates/en``),
``numbers`` gives its document number and check code, ``workbooks`` writes spreadsheets.
"""
