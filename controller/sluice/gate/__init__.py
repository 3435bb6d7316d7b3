"""May it be released? Evidence in, verdict out: the one call that everybody makes."""
