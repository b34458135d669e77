module tradewind.example/host

go 1.26.0

require tradewind.example/sdk v0.0.0

replace tradewind.example/sdk => ../sdk
