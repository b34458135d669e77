module tradewind.example/core

go 1.26.0

require (
	tradewind.example/host v0.0.0
	tradewind.example/sdk v0.0.0
)

replace (
	tradewind.example/host => ../host
	tradewind.example/sdk => ../sdk
)
