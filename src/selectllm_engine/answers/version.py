"""Which version of the extractor found an answer: what is stored under another one is extracted anew."""

__all__ = ["EXTRACTOR_VERSION"]

EXTRACTOR_VERSION = 2
