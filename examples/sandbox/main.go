// Command tradewind-provider-sandbox is a plugin with a whole cloud inside: it
// sells instances that exist only in its memory, so that anyone can try the
// broker from order to settlement without an account anywhere.
//
// Its cloud forgets everything when the process ends. Switches in the account's
// settings make it slow, asynchronous, sold out or forgetful of answers.
package main

import "tradewind.example/sdk"

func main() { sdk.Serve(newProvider()) }
