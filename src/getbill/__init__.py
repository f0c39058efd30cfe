"""GetBill: amicable debt collection as software that a company runs itself."""

__version__ = "0.1.0"
