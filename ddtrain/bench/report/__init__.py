"""``bench report RUN``: where the steps of a traced run went: ``figures`` from its trace, ``command`` shows them."""
