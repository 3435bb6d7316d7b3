"""Kubernetes in, Kubernetes out: watch, queue, lead, observe, act, report."""
