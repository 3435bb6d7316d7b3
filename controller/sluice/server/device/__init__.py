"""HTTP from phones, in the protocol of the stock Capgo plugin."""
