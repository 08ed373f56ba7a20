"""Looking through a library without a query: lists in an order, and what there is to choose."""
