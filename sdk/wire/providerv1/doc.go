// Package providerv1 is the generated code of the wire contract
// tradewind.provider.v1. Only the other packages below wire and the serving
// side of the SDK use it; plugin authors and the core speak in the types of
// package provider. Regenerate it with "buf generate" in the sdk folder.
package providerv1
