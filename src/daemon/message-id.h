/* SPDX-License-Identifier: MIT */
#pragma once
/* Names of the journal's entries (sd-messages(3)): units/heartbeatd.catalog explains each. */

#define MESSAGE_ID_BEAT "d1ff8d0b2c834e1ab9a8a7bd0e9e4c11"
