"""Sluice: a GitOps policy controller for Capacitor over-the-air updates."""
