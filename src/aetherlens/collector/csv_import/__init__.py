"""Import of a CSV file: lines → rows → checked samples → committed batches, each step in its module.

`lines` reads the file, `rows` picks the mapped columns, `times`, `zones` and `values` understand their cells, `convert`
makes samples of them, `loop` commits them and remembers how far it came. `mapping` is what the owner says of it.
"""
