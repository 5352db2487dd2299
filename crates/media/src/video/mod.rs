//! Pictures: conversion, codecs, packets.
