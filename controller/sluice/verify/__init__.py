"""Untrusted bytes in, typed facts or one VerificationError out."""
