"""Importers: other tools' results become a benchmark in the store.

In: logs and tables of lm-eval, Inspect, RouterBench and others. Out: questions, generations and recorded verdicts.
Read `formats` first, the table of importers, from which their commands are made too; each is a module, imported by
name, that hands records to `assembly`.
"""

from selectllm_engine.importers.formats import FORMATS, Imported, ImportFormat, ImportOption
