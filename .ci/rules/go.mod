module tradewind.example/rules

go 1.26.0
