module tradewind.example/sdk

go 1.26.0
